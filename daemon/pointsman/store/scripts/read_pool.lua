-- Read a pool's pointer and counters, and who would be served next; takes no turn.
--
-- KEYS[1]  hash of the pool
-- KEYS[2]  its cycle
-- KEYS[3]  its counters
-- KEYS[4]  its history
-- returns  {pool (field, value..), counters (field, value..), next ("" if nobody), those who would
--          be passed over, length of the history}; people as their entries of the cycle
local pointer = redis.call('HMGET', KEYS[1], 'position', 'size')
local next, passed = '', {}
local size = tonumber(pointer[2] or '0')
for step = 0, size - 1 do
  local entry = redis.call('HGET', KEYS[2], (tonumber(pointer[1] or '0') + step) % size)
  if entry and string.match(entry, '^%d+|1|') then
    next = entry
    break
  end
  passed[#passed + 1] = entry or nil
end
return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[3]), next, passed,
  redis.call('LLEN', KEYS[4])}
