-- Suppression lists: keyed hashes of values, each with when it was added. Keys are built beside the
-- event stream: "list:<id>:<4 hex digits>" hash of the other 8 bytes to the second of adding, one of
-- 65,536 so that each stays small and packed; "list:<id>:claims" sorted set of the values that leads
-- on their way have claimed, by until when (ms).
--
-- lists_specs(text)   what a caller asks, parted by ","; each "<id> <20 hex digits> <since, ms>
--                     <ttl, ms>": added since then counts; ttl: how long items stay, 0 for good
-- lists_found(stream, spec, now)   whether the value is in the list, or claimed
-- lists_known(stream, now, ..)     of all in the tables of specs that follow, in their order, "1" if
--                     the value is in the list or claimed, else "0"; nil if none is
-- lists_add(stream, spec, now)     add the value, or make it as good as new; true if it was not there
-- lists_remove(stream, spec)       take it out; true if it was there
-- lists_claim(stream, spec, till)  keep others from taking the value until then, ms
-- lists_leave(stream, spec)        give a claim back

local function lists_specs(text)
  local specs = {}
  for id, value, since, ttl in string.gmatch(text, '([^,%s]+) (%x+) (%d+) (%d+)') do
    local field = struct.pack('>I4I4', tonumber(string.sub(value, 5, 12), 16),
      tonumber(string.sub(value, 13), 16))
    specs[#specs + 1] = {id = id, value = value, bucket = string.sub(value, 1, 4), field = field,
      since = tonumber(since), ttl = tonumber(ttl)}
  end
  return specs
end

local function lists_key(stream, spec, name)
  return string.sub(stream, 1, -7) .. 'list:' .. spec.id .. ':' .. name
end

local function lists_found(stream, spec, now)
  local added = redis.call('HGET', lists_key(stream, spec, spec.bucket), spec.field)
  added = added and tonumber(added) * 1000
  if added and added >= spec.since - 1000 and (spec.ttl == 0 or added > now - spec.ttl) then
    return true
  end
  local claimed = redis.call('ZSCORE', lists_key(stream, spec, 'claims'), spec.value)
  return claimed and tonumber(claimed) > now
end

local function lists_known(stream, now, ...)
  local known, any = '', false
  for _, specs in ipairs({...}) do
    for _, spec in ipairs(specs) do
      local found = lists_found(stream, spec, now)
      known, any = known .. (found and '1' or '0'), any or found
    end
  end
  return any and known or nil
end

local function lists_add(stream, spec, now)
  local key = lists_key(stream, spec, spec.bucket)
  local new = redis.call('HSET', key, spec.field, math.floor(now / 1000)) == 1
  if spec.ttl > 0 then redis.call('PEXPIRE', key, spec.ttl) end
  return new
end

local function lists_remove(stream, spec)
  return redis.call('HDEL', lists_key(stream, spec, spec.bucket), spec.field) == 1
end

local function lists_claim(stream, spec, now, till)
  local claims = lists_key(stream, spec, 'claims')
  redis.call('ZREMRANGEBYSCORE', claims, '-inf', now)
  redis.call('ZADD', claims, till, spec.value)
  redis.call('PEXPIREAT', claims, till + 60000)
end

local function lists_leave(stream, spec)
  redis.call('ZREM', lists_key(stream, spec, 'claims'), spec.value)
end
