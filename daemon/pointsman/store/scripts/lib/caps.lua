-- Counters of flows: caps on leads, limits on pings. Keys are built beside the event stream:
-- "cap:<id>" hash start, end, since, used, failed, digest, length; "cap:<id>:held" sorted set of the
-- leads on their way that hold a place, by when they lose it.
--
-- caps_specs(text)   counters as a caller passes them, parted by ","; each
--                    "<id> <maximum> <start> <end> <since> <length> <digest>": the window of now (ms)
--                    as the caller works it out from "since", the counter's first use
-- caps_read(stream, spec, now)   table: key, held, start, end, since, used, failed, count: used and
--                    held places, and anew: whether more changes of it than used and failed
-- caps_ask(stream, specs, now)   what caps_enter takes; or nil and the id of one that is full
-- caps_enter(caps, specs, lead, now, till)   take a place in each of what caps_ask returned. till:
--                    when a place is lost that is only held, ms; nil: for good
-- caps_take(stream, specs, lead, now, till)   both: the id of one that is full, or nil
-- caps_keep(stream, specs, lead, now)   make held places used ones
-- caps_leave(stream, ids, lead)   give held places back
-- caps_refuse(stream, specs, id, now)   count a lead that the one with this id turned away
-- caps_settle(stream, specs, member, now, mode, till)   "hold" a place in each until then, once: the
--                    id of one that is full, which has counted it as refused; "keep" or "leave" the
--                    held places; else nothing
--
-- A counter begins anew when its window ends, when its rules change (digest) and when it becomes
-- shorter; a longer one keeps what it counted and ends later.

local CAPS_LINGER = 35 * 86400000

local function caps_specs(text)
  local specs = {}
  for id, maximum, start, till, since, length, digest in
    string.gmatch(text, '([^,%s]+) (%d+) (%d+) (%d+) (%d+) (%d+) ([^,%s]+)') do
    specs[#specs + 1] = {id = id, maximum = tonumber(maximum), start = tonumber(start),
      till = tonumber(till), since = tonumber(since), length = tonumber(length), digest = digest}
  end
  return specs
end

local function caps_keys(stream, id)
  local key = string.sub(stream, 1, -7) .. 'cap:' .. id
  return key, key .. ':held'
end

local function caps_read(stream, spec, now)
  local key, held = caps_keys(stream, spec.id)
  local kept = redis.call('HMGET', key, 'start', 'end', 'since', 'used', 'failed', 'digest', 'length')
  local length = tonumber(kept[7]) or 0
  local cap = {key = key, held = held, start = tonumber(kept[1]), till = tonumber(kept[2]),
    since = tonumber(kept[3]), used = tonumber(kept[4]) or 0, failed = tonumber(kept[5]) or 0}
  local changed = kept[6] ~= spec.digest or spec.length < length
  if changed or not cap.till or now >= cap.till then
    cap.start, cap.till, cap.used, cap.failed, cap.anew = spec.start, spec.till, 0, 0, true
    if changed or not cap.since then cap.since = spec.since end
  elseif spec.length > length then
    cap.till, cap.anew = spec.till, true
  end
  cap.count = cap.used + redis.call('ZCOUNT', held, '(' .. now, '+inf')
  return cap
end

-- Store a counter of which ``name`` has changed; the end of its window is also that of its key, which is set with it.
local function caps_write(cap, spec, now, name)
  if not cap.anew then
    redis.call('HSET', cap.key, name, cap[name])
    return
  end
  redis.call('HSET', cap.key, 'start', cap.start, 'end', cap.till, 'since', cap.since,
    'used', cap.used, 'failed', cap.failed, 'digest', spec.digest, 'length', spec.length)
  redis.call('PEXPIRE', cap.key, cap.till - now + CAPS_LINGER)
end

local function caps_ask(stream, specs, now)
  local caps = {}
  for i, spec in ipairs(specs) do
    caps[i] = caps_read(stream, spec, now)
    if caps[i].count >= spec.maximum then return nil, spec.id end
  end
  return caps
end

local function caps_enter(caps, specs, lead, now, till)
  for i, cap in ipairs(caps) do
    if till then
      redis.call('ZREMRANGEBYSCORE', cap.held, '-inf', now)
      redis.call('ZADD', cap.held, till, lead)
      redis.call('PEXPIREAT', cap.held, till + 60000)
    else
      cap.used = cap.used + 1
    end
    caps_write(cap, specs[i], now, 'used')
  end
end

local function caps_take(stream, specs, lead, now, till)
  local caps, full = caps_ask(stream, specs, now)
  if full then return full end
  caps_enter(caps, specs, lead, now, till)
end

local function caps_keep(stream, specs, lead, now)
  for _, spec in ipairs(specs) do
    local cap = caps_read(stream, spec, now)
    redis.call('ZREM', cap.held, lead)
    cap.used = cap.used + 1
    caps_write(cap, spec, now, 'used')
  end
end

local function caps_leave(stream, ids, lead)
  for _, id in ipairs(ids) do
    local _, held = caps_keys(stream, id)
    redis.call('ZREM', held, lead)
  end
end

local function caps_refuse(stream, specs, id, now)
  for _, spec in ipairs(specs) do
    if spec.id == id then
      local cap = caps_read(stream, spec, now)
      cap.failed = cap.failed + 1
      caps_write(cap, spec, now, 'failed')
    end
  end
end

local function caps_refuse_once(stream, specs, full, member, now)
  local once = string.sub(stream, 1, -7) .. 'once:' .. member .. ':' .. full
  if redis.call('SET', once, '1', 'NX', 'PX', 600000) then caps_refuse(stream, specs, full, now) end
end

local function caps_settle(stream, specs, member, now, mode, till)
  if not specs[1] then return end
  if mode == 'hold' then
    local _, held = caps_keys(stream, specs[1].id)
    if redis.call('ZSCORE', held, member) then return end
    local full = caps_take(stream, specs, member, now, till)
    if full then caps_refuse_once(stream, specs, full, member, now) end
    return full
  elseif mode == 'keep' then
    caps_keep(stream, specs, member, now)
  elseif mode == 'leave' then
    local ids = {}
    for i, spec in ipairs(specs) do ids[i] = spec.id end
    caps_leave(stream, ids, member)
  end
end
