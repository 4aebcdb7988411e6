-- Erase what is known of a record, such as a person: it, its changes, its runs. Turns, deals and
-- counts stay true.
--
-- KEYS[1]  hash of the record
-- KEYS[2]  list of the record's changes
-- KEYS[3]  set of the run ids that the record's field "runs" had no room for (the runs' hashes are
--          built here, see runs.lua: run:<id> and, of those that an earlier version began, KEYS[1]
--          .. ":run:" .. id; and of flows: KEYS[1] .. ":events", ":submission", ":errands")
-- KEYS[4]  sorted set in which its module's records are listed
-- ARGV[1]  now, ms
-- ARGV[2]  how long the tombstone is kept, ms
-- Builds the keys of owners and lines that a lead is in (sticky.lua, parking.lua).
-- returns  1 if there is a tombstone now, of this or an earlier call; 0 if there is no such record
-- @include turn
-- @include sticky
-- @include parking
-- @include listed
local there = redis.call('HMGET', KEYS[1], 'data', 'erased', 'parked', 'runs')
if there[2] then return 1 end
if not there[1] then return 0 end

local prefix = string.match(KEYS[1], '^(pm:{.-}:)')
local runs = redis.call('SMEMBERS', KEYS[3])
for run in string.gmatch(there[4] or '', '%S+') do runs[#runs + 1] = run end
for _, run in ipairs(runs) do
  redis.call('UNLINK', prefix .. 'run:' .. run, KEYS[1] .. ':run:' .. run)
end
sticky_forget(KEYS[1])
parking_leave(KEYS[1], there[3])
listed_remove(KEYS[4], string.sub(KEYS[1], -24))
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[1] .. ':events', KEYS[1] .. ':submission',
  KEYS[1] .. ':errands', KEYS[1] .. ':notes')
redis.call('HSET', KEYS[1], 'v', 1, 'erased', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
