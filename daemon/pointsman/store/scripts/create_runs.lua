-- Begin the runs of one event, and acknowledge it.
--
-- KEYS[1]  the organization's event stream
-- KEYS[2]  string: who may read
-- KEYS[3]  hash of the current generation
-- KEYS[4]  sorted set of the runs that go on where events are read, by the end of their lease, ms
-- KEYS[5]  outbox of jobs
-- KEYS[6]  hash of the record: of one that was erased nothing is begun
-- KEYS[7]  set of the record's run ids
-- KEYS[8]  hash of the workflows' versions
-- KEYS[9+4i..12+4i]  of run i: its hash; string from run to record; its workflow's sorted set of
--          runs; string of its definition
-- ARGV[1]  group
-- ARGV[2]  the caller's "<token> <holder>"
-- ARGV[3]  number of the generation that the caller judged by
-- ARGV[4]  now, ms
-- ARGV[5]  how long runs are kept, ms
-- ARGV[6]  how many runs of a workflow are listed
-- ARGV[7]  end of the lease of runs that go on here, ms
-- ARGV[8..13]  of all runs: event (the entry's id), module, record, revision, depth, JSON of the
--          record as the event left it
-- ARGV[14] "pm:{<organization>}:" (keys are built: see runs.lua)
-- ARGV[15+10i..24+10i]  of run i: its id; how it begins ("here", "job" or "never"); its definition's
--          text, or "" if the caller believes it to be kept; digest of that; workflow's id and name;
--          event type; status; error, or ""; concurrency ("allow", "queue" or "skip")
-- returns  {status, generation, begun...}: "done" with 1 for each run that this reader begins, now
--          or by an earlier try, 2 for one that was skipped and 0 for any other; "undefined" (send
--          the definitions); "stale" or "lost" as in acknowledge_events.lua; but for "done", nothing
--          was written
-- @include runs
-- @include versions
-- @include begin
local generation = tonumber(redis.call('HGET', KEYS[3], 'number') or 0)
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'lost', generation} end
if generation > tonumber(ARGV[3]) then return {'stale', generation} end

local kept, runs = ARGV[5], (#KEYS - 8) / 4
for i = 0, runs - 1 do
  local definition, text = KEYS[12 + 4 * i], ARGV[17 + 10 * i]
  if not runs_longer(definition, kept) then
    if text == '' then return {'undefined', generation} end
    redis.call('SET', definition, text, 'PX', kept)
  end
end

local shared = {prefix = ARGV[14], now = ARGV[4], kept = kept, most = ARGV[6], lease = ARGV[7],
  running = KEYS[4], outbox = KEYS[5], record_key = KEYS[6], of_record = KEYS[7],
  event = ARGV[8], module = ARGV[9], record = ARGV[10], revision = ARGV[11], depth = ARGV[12],
  trigger = ARGV[13], reader = ARGV[2], generation = generation}

local function begin(i)
  local run, arg = KEYS[9 + 4 * i], 15 + 10 * i
  local there = redis.call('HMGET', run, 'reader', 'token', 'step', 'ticket')
  if there[1] then
    return there[1] == ARGV[2] and there[2] == '1' and there[3] == '0' and there[4] == 'here'
      and 1 or 0
  end
  return begin_run(shared, {key = run, index = KEYS[10 + 4 * i], listed = KEYS[11 + 4 * i],
    definition = KEYS[12 + 4 * i], id = ARGV[arg], how = ARGV[arg + 1], digest = ARGV[arg + 3],
    workflow = ARGV[arg + 4], name = ARGV[arg + 5], type = ARGV[arg + 6],
    status = ARGV[arg + 7], error = ARGV[arg + 8], mode = ARGV[arg + 9],
    version = versions_of(KEYS[8], ARGV[arg + 4])})
end

local answer = {'done', generation}
local erased = redis.call('HEXISTS', KEYS[6], 'erased') == 1
for i = 0, runs - 1 do answer[#answer + 1] = erased and 0 or begin(i) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[8])
return answer
