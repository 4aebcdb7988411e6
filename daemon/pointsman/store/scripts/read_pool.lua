-- Read a pool's pointer and counters, and who would be served next; takes no turn.
--
-- KEYS[1]  hash of the pool
-- KEYS[2]  its cycle
-- KEYS[3]  its counters
-- KEYS[4]  its history
-- returns  {pool (field, value..), counters (field, value..), participant who is next ("" if nobody),
--          those who would be passed over (participant, reason..), length of the history}
-- @include turn
local pointer = redis.call('HMGET', KEYS[1], 'position', 'size')
local entry, _, passed = rotation_find(KEYS[2],
  {position = tonumber(pointer[1] or '0'), size = tonumber(pointer[2] or '0')})
local told = {}
for _, person in ipairs(passed) do
  told[#told + 1] = person.participant
  told[#told + 1] = person.reason
end
return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[3]),
  entry and entry.participant or '', told, redis.call('LLEN', KEYS[4])}
