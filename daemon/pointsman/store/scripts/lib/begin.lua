-- Storing a new run, which is listed, indexed, and put in line where its workflow wants that.
--
-- begin_run(shared, run)   needs runs.lua
--   shared   table: prefix, now, kept (ms), most (runs of a workflow that are listed), lease (end of
--            that of a run that goes on here, ms), running (its sorted set), outbox, record_key,
--            of_record (set of the record's run ids), event, module, record, revision, depth,
--            trigger (JSON), reader, generation
--   run      table: key, index (string from run to record), listed (its workflow's sorted set), id,
--            how ("here", "job" or "never"), definition (key), digest, workflow, name, type, status,
--            error, mode ("allow", "queue" or "skip"), version, replay (id of the run that it
--            repeats, or nil)
--   returns  1 if the caller is to go on with it here, 2 if it was skipped, else 0

-- Return whether a run begins at once, how, and what is to be told of it.
local function begin_how(shared, run)
  if run.how == 'never' or run.mode == 'allow' then return run.how, run.status, run.error end
  -- Whoever stands in line is kept as long as those before may take.
  local line = shared.record_key .. ':line:' .. run.workflow
  local before = redis.call('LINDEX', line, -1)
  local left = before and redis.call('PTTL', shared.record_key .. ':run:' .. before) or 0
  if left > 0 and run.mode == 'queue' then
    run.kept = string.format('%.0f', tonumber(shared.kept) + left)
    runs_longer(run.definition, run.kept)
  end
  local place, open = runs_join(shared.record_key, run.workflow, run.mode, run.id, run.kept)
  if place == 'go' then return run.how, run.status, run.error end
  if place == 'wait' then return 'line', 'queued', '' end
  return 'skip', 'cancelled', 'not begun: run ' .. open ..
    ' of the same record was open (concurrency: skip)'
end

local function begin_listed(shared, run, status)
  redis.call('SADD', shared.of_record, run.id)
  -- A run is kept from its last step on, which is later than its beginning.
  runs_longer(shared.of_record, 2 * tonumber(run.kept))
  redis.call('SET', run.index, shared.record, 'PX', run.kept)
  runs_listed(shared.prefix, run.listed, run.id, shared.now, shared.now, run.kept, shared.most)
  runs_moved(shared.prefix, run.id, shared.now, nil, status, shared.now, run.kept)
end

local function begin_run(shared, run)
  run.kept = shared.kept
  local how, status, problem = begin_how(shared, run)
  local here = how == 'here'
  redis.call('HSET', run.key, 'v', 1, 'event', shared.event, 'module', shared.module,
    'record', shared.record, 'revision', shared.revision, 'depth', shared.depth,
    'trigger', shared.trigger, 'digest', run.digest, 'workflow', run.workflow,
    'version', run.version, 'name', run.name, 'type', run.type, 'status', status,
    'generation', shared.generation, 'reader', shared.reader,
    'ticket', here and 'here' or '', 'token', here and 1 or 0, 'step', 0, 'attempt', 1,
    'created', shared.now, 'updated', shared.now, 'began', shared.now)
  if problem ~= '' then redis.call('HSET', run.key, 'error', problem) end
  if run.mode ~= 'allow' then redis.call('HSET', run.key, 'line', run.mode) end
  if run.replay then redis.call('HSET', run.key, 'replay', run.replay) end
  if how == 'never' or how == 'skip' then
    redis.call('HSET', run.key, 'finished', shared.now)
    runs_told(shared.prefix, run.key)
  elseif how == 'job' then
    runs_posted(run.key, shared.outbox)
  elseif here then
    redis.call('ZADD', shared.running, shared.lease, shared.record .. '/' .. run.id)
  end
  redis.call('PEXPIRE', run.key, run.kept)
  begin_listed(shared, run, status)
  return here and 1 or how == 'skip' and 2 or 0
end
