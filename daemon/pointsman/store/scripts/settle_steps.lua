-- Store what came of steps of a run, what they write, and what comes next: all of it, or nothing.
--
-- KEYS[1]  hash of the run
-- KEYS[2]  sorted set of the runs that go on where events are read, by the end of their lease, ms
-- KEYS[3]  outbox of jobs
-- KEYS[4]  sorted set of dead letters: "<run>:<step, from 1>" by when it failed
-- KEYS[5]  the organization's event stream
-- KEYS[6+2i..7+2i]  of write i, as in records.lua
-- KEYS[..] what is kept at least as long as the run; given where it waits
-- ARGV[1]  token of the claim
-- ARGV[2]  "<step>:<attempt>" of the first of the steps
-- ARGV[3]  now, ms
-- ARGV[4]  how long the run is kept from now, ms
-- ARGV[5]  what comes after the last of them: "step" (the next one, by the same claim), "job" (the
--          next one, by a job), "retry" (this one again, by a job) or "end"
-- ARGV[6]  "<step> <attempt> <began>": where the run stands from now on, and since when (ms)
-- ARGV[7]  status of the run from now on
-- ARGV[8]  error of the run, or ""
-- ARGV[9]  the job, or ""
-- ARGV[10] when it is due, ms
-- ARGV[11] member of the run in the sorted set
-- ARGV[12] end of the lease, ms; used while events' reader does the run
-- ARGV[13] steps that failed for good, from 1, parted by spaces
-- ARGV[14] "pm:{<organization>}:" (keys are built: see runs.lua)
-- ARGV[15] how long runs are kept after their last step, ms
-- ARGV[16] whose the writes are, as in records.lua
-- ARGV[17] "<steps> <writes> <first>": how many of both there are, and of writes of the first step
-- ARGV[18..] JSON of the records of the steps, those that are skipped with them; then the writes, as
--          in records.lua
-- returns  1 if stored, now or by an earlier try; 2 if the run was cancelled meanwhile: the first
--          step's record is stored with its writes, and nothing goes on; 0 if somebody claimed the
--          run meanwhile; -1 if a record is not what a write was made from
--
-- A run whose step was done alone (see retry_run.lua) stands where it stood before.
-- @include runs
-- @include wide
-- @include dead
-- @include records
local run = redis.call('HMGET', KEYS[1], 'token', 'step', 'attempt', 'ticket', 'settled', 'status',
  'created', 'cancelled', 'alone', 'back', 'interrupted')
local done = ARGV[1] .. ':' .. ARGV[2]
if run[5] == done then return run[8] and 2 or 1 end
if run[1] ~= ARGV[1] or run[2] .. ':' .. run[3] ~= ARGV[2] then return 0 end

local steps, count, first = string.match(ARGV[17], '^(%d+) (%d+) (%d+)$')
steps, count = tonumber(steps), tonumber(count)
if count > 0 then
  local writes = records_read(KEYS, 6, ARGV, 18 + steps, run[8] and tonumber(first) or count)
  if records_hindered(writes) then return -1 end
  records_write(writes, records_by(KEYS[5], KEYS[3], ARGV[3], ARGV[16]))
end

local told = {'settled', done, 'updated', ARGV[3]}
for i = 1, run[8] and 1 or steps do
  wide_add(told, 'step:' .. (run[2] + i - 1), ARGV[17 + i])
end
if run[8] then
  redis.call('HSET', KEYS[1], unpack(told))
  return 2
end

local id, following = string.match(ARGV[11], '([^/]+)$'), ARGV[5]
local step, attempt, began = string.match(ARGV[6], '^(%d+) (%d+) (%d+)$')
if following == 'end' then
  if run[9] then step = run[10] end
  for _, one in ipairs({'ticket', '', 'finished', ARGV[3]}) do told[#told + 1] = one end
  if ARGV[8] ~= '' then
    told[#told + 1] = 'error'
    told[#told + 1] = ARGV[8]
  end
  redis.call('HDEL', KEYS[1], 'alone', 'back', 'interrupted')
elseif following ~= 'retry' then
  redis.call('HDEL', KEYS[1], 'interrupted', 'earlier')
elseif run[11] then
  redis.call('HDEL', KEYS[1], 'interrupted')
end
if following == 'job' or following == 'retry' then
  for _, one in ipairs({'ticket', step .. ':' .. attempt, 'due', ARGV[10]}) do
    told[#told + 1] = one
  end
  redis.call('XADD', KEYS[3], '*', 'job', ARGV[9], 'due', ARGV[10])
end
redis.call('HSET', KEYS[1], 'status', ARGV[7], 'step', step, 'attempt', attempt, 'began', began,
  unpack(told))
runs_moved(ARGV[14], id, run[7], run[6], ARGV[7], ARGV[3], ARGV[4])
for failed in string.gmatch(ARGV[13], '%d+') do
  dead_add(KEYS[4], id .. ':' .. failed, ARGV[3], ARGV[15])
end
if following ~= 'step' then
  redis.call('ZREM', KEYS[2], ARGV[11])
elseif run[4] == 'here' then
  redis.call('ZADD', KEYS[2], ARGV[12], ARGV[11])
end
if following == 'end' then runs_over(KEYS[1], KEYS[3]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local lasting = 6 + 2 * count
for i = lasting, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[4], 'GT') end
if #KEYS >= lasting then
  runs_line_longer(ARGV[14], KEYS[1], tonumber(ARGV[4]) + tonumber(ARGV[15]))
end
return 1
