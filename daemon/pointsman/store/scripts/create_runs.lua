-- Begin the runs of one event, and acknowledge it.
--
-- KEYS[1]  the organization's event stream
-- KEYS[2]  string: who may read
-- KEYS[3]  hash of the current generation
-- KEYS[4]  sorted set of the runs that go on where events are read, by the end of their lease, ms
-- KEYS[5]  outbox of jobs
-- KEYS[6]  hash of the record: of one that was erased nothing is begun
-- KEYS[7]  set of the run ids that the record has no room for
-- KEYS[8]  hash of the workflows' versions
-- KEYS[9+3i..11+3i]  of run i: its hash; its workflow's sorted set of runs; string of its definition
-- KEYS[..] the sorted set of dead letters; then, of each run that is over, keys as in done.lua
-- ARGV[1]  group
-- ARGV[2]  the caller's "<token> <holder>"
-- ARGV[3]  number of the generation that the caller judged by
-- ARGV[4]  now, ms
-- ARGV[5]  how long runs are kept, ms
-- ARGV[6]  how many runs of a workflow are listed
-- ARGV[7]  end of the lease of runs that go on here, ms
-- ARGV[8..13]  of all runs: event (the entry's id), module, record, revision, depth, the record as
--          the event left it (packed)
-- ARGV[14] "pm:{<organization>}:" (keys are built: see runs.lua)
-- ARGV[15] how many runs there are
-- ARGV[16+10i..25+10i]  of run i: its id; how it begins ("here", "job", "never", or "done": it is over,
--          and its concurrency is "allow"); its definition's text, or "" if the caller believes it
--          to be kept; digest of that; workflow's id and name; event type; status; error, or "";
--          concurrency ("allow", "queue" or "skip")
-- ARGV[..] of each run that is over, its steps as in done.lua
-- returns  {status, generation, begun...}: "done" with 1 for each run that this reader begins, 3 for
--          one that is stored with its end, now or by an earlier try, 2 for one that was skipped and
--          0 for any other; "undefined" (send the definitions); "outdated" (a record is not what a
--          step was done with); "stale" or "lost" as in acknowledge_events.lua; but for "done",
--          nothing was written
-- @include runs
-- @include wide
-- @include versions
-- @include begin
-- @include done
local generation = tonumber(redis.call('HGET', KEYS[3], 'number') or 0)
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'lost', generation} end
if generation > tonumber(ARGV[3]) then return {'stale', generation} end

local kept, runs = ARGV[5], tonumber(ARGV[15])
for i = 0, runs - 1 do
  local definition, text = KEYS[11 + 3 * i], ARGV[18 + 10 * i]
  if not runs_longer(definition, kept) then
    if text == '' then return {'undefined', generation} end
    redis.call('SET', definition, text, 'PX', kept)
  end
end

local shared = {prefix = ARGV[14], now = ARGV[4], kept = kept, most = ARGV[6], lease = ARGV[7],
  running = KEYS[4], outbox = KEYS[5], record_key = KEYS[6], of_record = KEYS[7],
  event = ARGV[8], module = ARGV[9], record = ARGV[10], revision = ARGV[11], depth = ARGV[12],
  trigger = ARGV[13], reader = ARGV[2], generation = generation}

local reader = string.match(ARGV[2], '^%S*')
local dead, over, writes = KEYS[9 + 3 * runs], {}, {}

-- Return what to answer of a run that is there, or nil.
local function known(i)
  local there = runs_read(ARGV[14], KEYS[9 + 3 * i], 'status', 'reader', 'token', 'step', 'ticket',
    'settled', 'created')
  if not there[1] then return nil end
  if over[i] then return there[6] == '1:0:1' and there[7] == ARGV[4] and 3 or 0 end
  return there[2] == reader and there[3] == '1' and there[4] == '0' and there[5] == 'here' and 1
    or 0
end

local function begin(i)
  local arg, done = 16 + 10 * i, over[i]
  if done then done_store(done, ARGV[arg], shared, KEYS[1], dead) end
  local begun = begin_run(shared, {key = KEYS[9 + 3 * i], listed = KEYS[10 + 3 * i],
    definition = KEYS[11 + 3 * i], id = ARGV[arg], how = ARGV[arg + 1], digest = ARGV[arg + 3],
    workflow = ARGV[arg + 4], name = ARGV[arg + 5], type = ARGV[arg + 6],
    status = ARGV[arg + 7], error = ARGV[arg + 8], mode = ARGV[arg + 9],
    version = versions_of(KEYS[8], ARGV[arg + 4]), over = done and done.fields})
  return done and 3 or begun
end

local answer, key, arg = {'done', generation}, 10 + 3 * runs, 16 + 10 * runs
local erased = redis.call('HEXISTS', KEYS[6], 'erased') == 1
for i = 0, runs - 1 do
  if ARGV[17 + 10 * i] == 'done' then over[i], key, arg = done_read(KEYS, key, ARGV, arg) end
  answer[i + 3] = erased and 0 or known(i)
  if over[i] and not answer[i + 3] then
    for _, write in ipairs(over[i].writes) do writes[#writes + 1] = write end
  end
end
if records_hindered(writes) then return {'outdated', generation} end
for i = 0, runs - 1 do answer[i + 3] = answer[i + 3] or begin(i) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[8])
return answer
