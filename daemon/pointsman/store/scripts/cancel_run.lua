-- Cancel a run: at once if it waits, else as soon as its current step has ended.
--
-- KEYS[1]  hash of the run
-- KEYS[2]  sorted set of the runs that go on where events are read, by the end of their lease, ms
-- KEYS[3]  outbox of jobs
-- ARGV[1]  now, ms
-- ARGV[2]  member of the run in the sorted set
-- ARGV[3]  why, as the run's error
-- ARGV[4]  "pm:{<organization>}:" (keys are built: see runs.lua)
-- ARGV[5]  how long the run is kept from now, ms
-- returns  "cancelled", now or before; its status if it was over otherwise; "unknown"
--
-- Whoever has the run's step may still store what came of it, but goes on no further; no job and no
-- reader can claim the run any more.
-- @include runs
local run = runs_read(ARGV[4], KEYS[1], 'status', 'created', 'finished')
if not run[1] then return 'unknown' end
if run[3] then return run[1] end

redis.call('HSET', KEYS[1], 'status', 'cancelled', 'cancelled', ARGV[1], 'finished', ARGV[1],
  'updated', ARGV[1], 'ticket', '', 'error', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZREM', KEYS[2], ARGV[2])
local id = string.match(ARGV[2], '([^/]+)$')
runs_moved(ARGV[4], id, run[2], run[1], 'cancelled', ARGV[1], ARGV[5])
runs_over(KEYS[1], KEYS[3])
return 'cancelled'
