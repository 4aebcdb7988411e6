-- How many open records of a module each member has.
--
-- owned_score(member)     what stands for a member in the sorted set
-- owned_note(owned, record, closed)   note a record as it is now, whatever was noted before
--   owned     sorted set: ids of open records by whose they are; and OWNED_WHOLE, once all are noted
--   record    hash of a record
--   closed    the field of its data that it has once it is closed; "-": its module has none
-- owned_count(owned, member)          how many a member has

local OWNED_WHOLE = '!'

local function owned_score(member)
  return tonumber(string.sub(member, 1, 8) .. string.sub(member, 10, 13), 16) + 1
end

local function owned_is_open(data, closed)
  if closed == '-' or not string.find(data, '"' .. closed .. '"', 1, true) then return true end
  local value = cjson.decode(data)[closed]
  return value == nil or value == cjson.null
end

local function owned_note(owned, record, closed)
  local kept, id = redis.call('HMGET', record, 'owner', 'deleted', 'data'), string.sub(record, -24)
  if kept[1] and kept[3] and not kept[2] and owned_is_open(kept[3], closed) then
    redis.call('ZADD', owned, owned_score(kept[1]), id)
  else
    redis.call('ZREM', owned, id)
  end
end

local function owned_count(owned, member)
  local score = owned_score(member)
  return redis.call('ZCOUNT', owned, score, score)
end
