-- Store what came of a run's current step, and what comes next.
--
-- KEYS[1]  hash of the run
-- KEYS[2]  sorted set of the runs that go on where events are read, by the end of their lease, ms
-- KEYS[3]  outbox of jobs
-- KEYS[4]  sorted set of dead letters: "<run>:<step, from 1>" by when it failed
-- KEYS[5..] what is kept at least as long as the run; given where it waits
-- ARGV[1]  token of the claim
-- ARGV[2]  step:attempt that was done
-- ARGV[3]  now, ms
-- ARGV[4]  how long the run is kept from now, ms
-- ARGV[5]  JSON of the step's record
-- ARGV[6]  what comes next: "step" (the next one, by the same claim), "job" (the next one, by a
--          job), "retry" (this one again, by a job) or "end"
-- ARGV[7]  status of the run from now on
-- ARGV[8]  error of the run, or ""
-- ARGV[9]  the job, or ""
-- ARGV[10] when it is due, ms
-- ARGV[11] member of the run in the sorted set
-- ARGV[12] end of the lease, ms; used while events' reader does the run
-- ARGV[13] "dead" if the step failed for good, else ""
-- ARGV[14] "pm:{<organization>}:" (keys are built: see runs.lua)
-- ARGV[15] how long runs are kept after their last step, ms
-- ARGV[16..] JSON of the records of the steps that are skipped after this one
-- returns  1 if stored, now or by an earlier try; 2 if the run was cancelled meanwhile: the step's
--          record is stored, and nothing goes on; 0 if somebody claimed the run meanwhile
--
-- A run whose step was done alone (see retry_run.lua) stands where it stood before.
-- @include runs
-- @include dead
local run = redis.call('HMGET', KEYS[1], 'token', 'step', 'attempt', 'ticket', 'settled', 'status',
  'created', 'cancelled', 'alone', 'back', 'interrupted')
local done = ARGV[1] .. ':' .. ARGV[2]
if run[5] == done then return run[8] and 2 or 1 end
if run[1] ~= ARGV[1] or run[2] .. ':' .. run[3] ~= ARGV[2] then return 0 end

local step, attempt, following = tonumber(run[2]), tonumber(run[3]), ARGV[6]
redis.call('HSET', KEYS[1], 'step:' .. step, ARGV[5], 'settled', done, 'updated', ARGV[3])
if run[8] then return 2 end

local id, skipped = string.match(ARGV[11], '([^/]+)$'), #ARGV - 15
redis.call('HSET', KEYS[1], 'status', ARGV[7])
if run[11] then redis.call('HDEL', KEYS[1], 'interrupted') end
runs_moved(ARGV[14], id, run[7], run[6], ARGV[7], ARGV[3], ARGV[4])
if ARGV[13] == 'dead' then dead_add(KEYS[4], id .. ':' .. (step + 1), ARGV[3], ARGV[15]) end
for i = 1, skipped do redis.call('HSET', KEYS[1], 'step:' .. (step + i), ARGV[15 + i]) end
if following == 'retry' then
  attempt = attempt + 1
elseif following == 'end' then
  if run[9] then step = run[10] end
  redis.call('HDEL', KEYS[1], 'alone', 'back', 'interrupted')
else
  step, attempt = step + 1 + skipped, 1
  redis.call('HSET', KEYS[1], 'began', ARGV[3])
  redis.call('HDEL', KEYS[1], 'earlier')
end
redis.call('HSET', KEYS[1], 'step', step, 'attempt', attempt)
if following == 'step' then
  if run[4] == 'here' then redis.call('ZADD', KEYS[2], ARGV[12], ARGV[11]) end
else
  redis.call('ZREM', KEYS[2], ARGV[11])
end
if following == 'end' then
  redis.call('HSET', KEYS[1], 'ticket', '', 'finished', ARGV[3])
  if ARGV[8] ~= '' then redis.call('HSET', KEYS[1], 'error', ARGV[8]) end
  runs_over(KEYS[1], KEYS[3])
elseif following ~= 'step' then
  redis.call('HSET', KEYS[1], 'ticket', step .. ':' .. attempt, 'due', ARGV[10])
  redis.call('XADD', KEYS[3], '*', 'job', ARGV[9], 'due', ARGV[10])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
for i = 5, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[4], 'GT') end
if #KEYS > 4 then runs_line_longer(ARGV[14], KEYS[1], tonumber(ARGV[4]) + tonumber(ARGV[15])) end
return 1
