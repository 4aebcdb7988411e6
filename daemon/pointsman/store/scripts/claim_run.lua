-- Take a run to do its current step; results of any earlier claim will be refused.
--
-- KEYS[1]  hash of the run
-- KEYS[2]  sorted set of the runs that go on where events are read, by the end of their lease, ms
-- ARGV[1]  ticket: "here" for who reads the events, else "<step>:<attempt>" of the job
-- ARGV[2]  member of the run in the sorted set
-- ARGV[3]  now, ms
-- ARGV[4]  end of the new lease, ms; used with "here" only
-- ARGV[5]  "pm:{<organization>}:" (keys are built: see runs.lua)
-- ARGV[6]  how long runs are kept, ms
-- returns  the run's fields {name, value, ...}; or false if it is gone, finished, another's, or
--          still leased to a reader of events
--
-- A run belongs to one ticket at a time, so a job that comes late or twice gets nothing. Sent
-- again, this gives a newer token; the one of the lost answer is used by nobody.
-- @include runs
local id = string.match(ARGV[2], '([^/]+)$')
local run = runs_read(ARGV[5], KEYS[1], 'ticket', 'status', 'created')
if run[1] ~= ARGV[1] then
  if ARGV[1] == 'here' then redis.call('ZREM', KEYS[2], ARGV[2]) end
  if not run[1] then runs_gone(ARGV[5], id) end
  return false
end
if ARGV[1] == 'here' then
  local leased = redis.call('ZSCORE', KEYS[2], ARGV[2])
  if leased and tonumber(leased) > tonumber(ARGV[3]) then return false end
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2])
end
redis.call('HINCRBY', KEYS[1], 'token', 1)
if run[2] == 'running' then redis.call('HINCRBY', KEYS[1], 'interrupted', 1) end
redis.call('HSET', KEYS[1], 'status', 'running', 'updated', ARGV[3])
runs_moved(ARGV[5], id, run[3], run[2], 'running', ARGV[3], ARGV[6])
return redis.call('HGETALL', KEYS[1])
