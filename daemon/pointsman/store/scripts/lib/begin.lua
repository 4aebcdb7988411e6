-- Storing a new run, which is listed, indexed, and put in line where its workflow wants that.
--
-- begin_run(shared, run)   needs runs.lua and wide.lua
--   shared   table: prefix, now, kept (ms), most (runs of a workflow that are listed), lease (end of
--            that of a run that goes on here, ms), running (its sorted set), outbox, record_key,
--            of_record (set of the run ids that the record has no room for), event, module, record,
--            revision, depth, trigger (packed), reader ("<token> <holder>", or ""), generation
--   run      table: key, listed (its workflow's sorted set), id, how ("here", "job", "never", or
--            "done": it is over, and ``over`` are fields that tell what came of it),
--            definition (key), digest, workflow, name, type, status,
--            error, mode ("allow", "queue" or "skip"), version, replay (id of the run that it
--            repeats, or nil)
--   What a run is, and stays, is one text: "<generation> <version> <event> <module> <revision>
--   <depth> <type> <replay, or -> <name>".
--   returns  1 if the caller is to go on with it here, 2 if it was skipped, else 0

local BEGIN_NOTED = 300  -- length of the field "runs" from which on the set is used

-- Return whether a run begins at once, how, and what is to be told of it.
local function begin_how(shared, run)
  if run.how == 'never' or run.mode == 'allow' then return run.how, run.status, run.error end
  -- Whoever stands in line is kept as long as those before may take.
  local line = shared.record_key .. ':line:' .. run.workflow
  local before = redis.call('LINDEX', line, -1)
  local left = before and redis.call('PTTL', shared.prefix .. 'run:' .. before) or 0
  if left > 0 and run.mode == 'queue' then
    run.kept = string.format('%.0f', tonumber(shared.kept) + left)
    runs_longer(run.definition, run.kept)
  end
  local place, open = runs_join(shared.prefix, shared.record_key, run.workflow, run.mode, run.id,
    run.kept)
  if place == 'go' then return run.how, run.status, run.error end
  if place == 'wait' then return 'line', 'queued', '' end
  return 'skip', 'cancelled', 'not begun: run ' .. open ..
    ' of the same record was open (concurrency: skip)'
end

-- Note the run where an erasure looks for it: a few in the field "runs" of the record itself, which
-- saves most records a key. The oldest leaves the field once it is forgotten.
local function begin_noted(shared, run)
  local first = redis.call('HMGET', shared.record_key, 'revision', 'runs')
  local noted = first[2] or ''
  local oldest = string.match(noted, '^%S+')
  if oldest and redis.call('EXISTS', shared.prefix .. 'run:' .. oldest) == 0 then
    noted = string.sub(noted, #oldest + 2)
  end
  if first[1] and #noted < BEGIN_NOTED then
    redis.call('HSET', shared.record_key, 'runs', noted .. run.id .. ' ')
    return
  end
  redis.call('SADD', shared.of_record, run.id)
  -- A run is kept from its last step on, which is later than its beginning.
  runs_longer(shared.of_record, 2 * tonumber(run.kept))
end

local function begin_listed(shared, run, status)
  begin_noted(shared, run)
  runs_listed(shared.prefix, run.listed, run.id, shared.now, shared.now, run.kept, shared.most)
  runs_moved(shared.prefix, run.id, shared.now, nil, status, shared.now, run.kept)
end

local function begin_run(shared, run)
  run.kept = shared.kept
  local how, status, problem = begin_how(shared, run)
  local here = how == 'here'
  local what = {shared.generation, run.version, shared.event, shared.module, shared.revision,
    shared.depth, run.type, run.replay or '-', run.name}
  local fields = {'v', 2, 'record', shared.record, 'digest', run.digest, 'workflow', run.workflow,
    'status', status, 'ticket', here and 'here' or '', 'token', here and 1 or 0, 'step', 0,
    'attempt', 1, 'created', shared.now, 'updated', shared.now, 'began', shared.now}
  local function told(name, value)
    fields[#fields + 1], fields[#fields + 2] = name, value
  end
  if here then told('reader', string.match(shared.reader, '^%S*')) end
  if problem ~= '' then told('error', problem) end
  if run.mode ~= 'allow' then told('line', run.mode) end
  -- What is over has not to be small while it waits.
  local add = run.over and told or function(...) wide_add(fields, ...) end
  add('what', table.concat(what, ' '))
  add('t', shared.trigger)
  for _, one in ipairs(run.over or {}) do fields[#fields + 1] = one end
  redis.call('HSET', run.key, unpack(fields))
  if how == 'never' or how == 'skip' or how == 'done' then
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
