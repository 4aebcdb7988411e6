-- Read a pool's pointer and counters, and who would be served next; takes no turn.
--
-- KEYS[1]  hash of the pool
-- KEYS[2]  its cycle
-- KEYS[3]  its counters
-- KEYS[4]  its history
-- KEYS[5]  use of its caps
-- KEYS[6]  turns held
-- ARGV[1]  revision of the pool that the caller knows
-- ARGV[2]  its limits of now (see limits.lua), or ""; of no use if the revision is another
-- returns  {pool (field, value..), counters (field, value..), participant who is next ("" if nobody),
--          those who would be passed over (participant, reason..), length of the history}
-- @include turn
local keys = {pool = KEYS[1], cycle = KEYS[2], caps = KEYS[5], held = KEYS[6]}
local pointer = redis.call('HMGET', keys.pool, 'position', 'size', 'revision')
local limits = pointer[3] == ARGV[1] and limits_read(ARGV[2]) or nil
local entry, passed, _ = rotation_waiting(keys, limits), {}
if not entry then
  entry, _, passed = rotation_find(keys,
    {position = tonumber(pointer[1] or '0'), size = tonumber(pointer[2] or '0')}, limits)
end
local told = {}
for _, person in ipairs(passed) do
  told[#told + 1] = person.participant
  told[#told + 1] = person.reason
end
return {redis.call('HGETALL', keys.pool), redis.call('HGETALL', KEYS[3]),
  entry and entry.participant or '', told, redis.call('LLEN', KEYS[4])}
