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
-- ARGV[3]  for a lead that can be known again: "<by> <marks>" (see sticky.lua); else ""
-- returns  {pool (field, value..), counters (field, value..), participant who is next ("" if nobody),
--          those who would be passed over (participant, reason..), length of the history, how many
--          leads wait in line and since when the first does, ms ("" if none), what the history
--          would tell of the lead's owner (turn.lua, "y" and "x")}
-- Builds keys of the same pool: those of turn.lua, parking.lua and sticky.lua.
-- @include turn
-- @include sticky
local keys = {pool = KEYS[1], cycle = KEYS[2], caps = KEYS[5], held = KEYS[6]}
local pointer = redis.call('HMGET', keys.pool, 'position', 'size', 'revision', 'credits')
local limits = pointer[3] == ARGV[1] and limits_read(ARGV[2]) or nil
local by, marks = string.match(ARGV[3], '^(%S+) (%S+)$')
local sticky = limits and sticky_read(marks, by)
local entry = sticky and sticky_find(keys, sticky, limits) or
  rotation_waiting(keys, limits, pointer[4])
local passed, _ = {}, nil
if not entry then
  entry, _, passed = rotation_find(keys,
    {position = tonumber(pointer[1] or '0'), size = tonumber(pointer[2] or '0')}, limits)
end
local told, line = {}, keys.pool .. ':parked'
for _, person in ipairs(passed) do
  told[#told + 1] = person.participant
  told[#told + 1] = person.reason
end
return {redis.call('HGETALL', keys.pool), redis.call('HGETALL', KEYS[3]),
  entry and entry.participant or '', told, redis.call('LLEN', KEYS[4]),
  redis.call('ZCARD', line), redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')[2] or '',
  sticky and sticky.told or ''}
