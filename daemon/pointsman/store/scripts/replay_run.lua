-- Begin a run anew, on its workflow as that is now, for the record as the event left it then.
--
-- KEYS[1]  hash of the run to repeat
-- KEYS[2]  hash of the new run; its being there makes this a repeated call
-- KEYS[3]  sorted set of the workflow's runs
-- KEYS[4]  string of the definition
-- KEYS[5]  set of the run ids that the record has no room for
-- KEYS[6]  hash of the workflows' versions
-- KEYS[7]  outbox of jobs
-- KEYS[8]  hash of the current generation
-- KEYS[9]  hash of the record: of one that was erased nothing is begun
-- ARGV[1]  now, ms
-- ARGV[2]  how long runs are kept, ms
-- ARGV[3]  how many runs of a workflow are listed
-- ARGV[4]  "pm:{<organization>}:" (keys are built: see runs.lua)
-- ARGV[5]  number of the generation that the workflow is of
-- ARGV[6]  the definition's text
-- ARGV[7..14]  ids of the new and the old run; digest; workflow's id and name; event type;
--          concurrency ("allow", "queue" or "skip"); how it begins ("job", or "never": it has no
--          steps)
-- ARGV[15..20]  of both runs: event, module, record, revision, depth, the record as the event left
--          it (packed)
-- returns  {what, generation}: "begun", now or by an earlier try; "skipped" (another run of the record
--          is open: that is on record); "unknown" (no such run); "stale" (ask again with the
--          workflow of this generation)
-- @include runs
-- @include wide
-- @include versions
-- @include begin
local generation = tonumber(redis.call('HGET', KEYS[8], 'number') or 0)
local there = redis.call('HGET', KEYS[2], 'status')
if there then return {there == 'cancelled' and 'skipped' or 'begun', generation} end
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[9], 'erased') == 1 then
  return {'unknown', generation}
end
if generation > tonumber(ARGV[5]) then return {'stale', generation} end

redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[2], 'NX')
runs_longer(KEYS[4], ARGV[2])
local begun = begin_run(
  {prefix = ARGV[4], now = ARGV[1], kept = ARGV[2], most = ARGV[3], outbox = KEYS[7],
    record_key = KEYS[9], of_record = KEYS[5], event = ARGV[15], module = ARGV[16],
    record = ARGV[17], revision = ARGV[18], depth = ARGV[19], trigger = ARGV[20], reader = '',
    generation = generation},
  {key = KEYS[2], listed = KEYS[3], definition = KEYS[4], id = ARGV[7], how = ARGV[14],
    replay = ARGV[8], digest = ARGV[9], workflow = ARGV[10], name = ARGV[11], type = ARGV[12],
    status = ARGV[14] == 'never' and 'succeeded' or 'queued', error = '', mode = ARGV[13],
    version = versions_of(KEYS[6], ARGV[10])})
return {begun == 2 and 'skipped' or 'begun', generation}
