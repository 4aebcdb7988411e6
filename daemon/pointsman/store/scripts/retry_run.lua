-- Let a run that is over do a step again that failed for good.
--
-- KEYS[1]  hash of the run
-- KEYS[2]  outbox of jobs
-- KEYS[3]  sorted set of dead letters
-- KEYS[4]  string of the definition
-- KEYS[5]  the first answer to this operation
-- KEYS[6..] what is kept as long as the run
-- ARGV[1]  step, from 0; "" for the one that the run failed at
-- ARGV[2]  now, ms
-- ARGV[3]  how long the run is kept from now, ms
-- ARGV[4]  "pm:{<organization>}:" (keys are built: see runs.lua)
-- returns  {what}: "queued"; "unknown"; "open" (the run is not over); "whole" (no such step failed);
--          "undefined" (its definition is no longer kept); {"busy", run} (another run of the record
--          is open, and its workflow skips)
--
-- From the step that the run failed at it goes on to its end; an earlier one, which it was allowed
-- to fail at, is done alone. Attempts count on, so that no answer to an earlier one is taken for
-- one to the next.
-- @include runs
-- @include wide
-- @include once
local first = once_recall(KEYS[5])
if first then return first end

local run = runs_read(ARGV[4], KEYS[1], 'status', 'step', 'finished', 'created', 'workflow', 'line',
  'record')
if not run[1] then return {'unknown'} end
if not run[3] then return {'open'} end
local failed = run[1] == 'failed' and run[2] or nil
local step = ARGV[1] == '' and failed or ARGV[1]
local status, attempts = string.match(step and wide_get(KEYS[1], 'step:' .. step) or '',
  '^{"id":"[^"]*","type":"[^"]*","status":"(%a+)","attempts":(%d+)')
if status ~= 'failed' then return {'whole'} end
if redis.call('EXISTS', KEYS[4]) == 0 then return {'undefined'} end

local id = string.match(KEYS[1], ':run:([^:]+)$')
local record = runs_record(ARGV[4], run[7])
local place, open = runs_join(ARGV[4], record, run[5], run[6] or '', id, ARGV[3])
if place == 'skip' then return {'busy', open} end
redis.call('HSET', KEYS[1], 'status', 'queued', 'ticket', '', 'step', step,
  'attempt', attempts + 1, 'earlier', attempts, 'updated', ARGV[2])
redis.call('HDEL', KEYS[1], 'finished', 'cancelled', 'interrupted')
if step == failed then
  redis.call('HDEL', KEYS[1], 'error')
else
  redis.call('HSET', KEYS[1], 'alone', run[1], 'back', run[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for i = 6, #KEYS do runs_longer(KEYS[i], ARGV[3]) end
runs_longer(KEYS[4], ARGV[3])
runs_moved(ARGV[4], id, run[4], run[1], 'queued', ARGV[2], ARGV[3])
redis.call('ZREM', KEYS[3], id .. ':' .. (tonumber(step) + 1))
if place == 'go' then runs_posted(KEYS[1], KEYS[2]) end
return once_keep(KEYS[5], {'queued'})
