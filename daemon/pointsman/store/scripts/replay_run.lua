-- Begin a run anew, on its workflow as that is now, for the record as the event left it then.
--
-- KEYS[1]  hash of the run to repeat
-- KEYS[2]  hash of the new run; its being there makes this a repeated call
-- KEYS[3]  string from the new run to its record
-- KEYS[4]  sorted set of the workflow's runs
-- KEYS[5]  string of the definition
-- KEYS[6]  set of the record's run ids
-- KEYS[7]  hash of the workflows' versions
-- KEYS[8]  outbox of jobs
-- KEYS[9]  hash of the current generation
-- KEYS[10] hash of the record: of one that was erased nothing is begun
-- ARGV[1]  now, ms
-- ARGV[2]  how long runs are kept, ms
-- ARGV[3]  how many runs of a workflow are listed
-- ARGV[4]  "pm:{<organization>}:" (keys are built: see runs.lua)
-- ARGV[5]  number of the generation that the workflow is of
-- ARGV[6]  the definition's text
-- ARGV[7..14]  ids of the new and the old run; digest; workflow's id and name; event type;
--          concurrency ("allow", "queue" or "skip"); how it begins ("job", or "never": it has no
--          steps)
-- returns  {what, generation}: "begun", now or by an earlier try; "skipped" (another run of the record
--          is open: that is on record); "unknown" (no such run); "stale" (ask again with the
--          workflow of this generation)
-- @include runs
-- @include versions
-- @include begin
local generation = tonumber(redis.call('HGET', KEYS[9], 'number') or 0)
local there = redis.call('HGET', KEYS[2], 'status')
if there then return {there == 'cancelled' and 'skipped' or 'begun', generation} end
local old = redis.call('HMGET', KEYS[1], 'event', 'module', 'record', 'revision', 'depth', 'trigger')
if not old[1] or redis.call('HEXISTS', KEYS[10], 'erased') == 1 then return {'unknown', generation} end
if generation > tonumber(ARGV[5]) then return {'stale', generation} end

redis.call('SET', KEYS[5], ARGV[6], 'PX', ARGV[2], 'NX')
runs_longer(KEYS[5], ARGV[2])
local begun = begin_run(
  {prefix = ARGV[4], now = ARGV[1], kept = ARGV[2], most = ARGV[3], outbox = KEYS[8],
    record_key = KEYS[10], of_record = KEYS[6], event = old[1], module = old[2], record = old[3],
    revision = old[4], depth = old[5], trigger = old[6], reader = '', generation = generation},
  {key = KEYS[2], index = KEYS[3], listed = KEYS[4], definition = KEYS[5], id = ARGV[7],
    how = ARGV[14], replay = ARGV[8], digest = ARGV[9], workflow = ARGV[10], name = ARGV[11],
    type = ARGV[12], status = ARGV[14] == 'never' and 'succeeded' or 'queued', error = '',
    mode = ARGV[13], version = versions_of(KEYS[7], ARGV[10])})
return {begun == 2 and 'skipped' or 'begun', generation}
