-- What a run's beginnings and endings have in common: lists by status, and lines of runs.
--
-- Keys are built here, all of one organization: ``prefix`` is "pm:{<organization>}:".
--   <prefix>runs:<status>           sorted set of run ids by start, one for each status
--   <prefix>run:<id>                hash of a run: what of it moves; in parts (see wide.lua) "what"
--                                   (what it is: see begin.lua), "t" (the record as the event left
--                                   it, packed) and "step:<n>" (JSON)
--   <prefix>definition:<digest>     string: a workflow as a run began with it
--   <record>:line:<workflow>        list of the open runs of a workflow with concurrency queue or
--                                   skip: the first is the one that goes on; ``record`` is the key
--                                   of the record's hash
-- Of runs that an earlier version began, run:<id> is a string with the place of the record, and the
-- hash is <record>:run:<id>: whoever is first to need it moves it.
--
-- runs_listed(prefix, set, id, created, now, kept, most)   add a run to a list, keep that in bounds
-- runs_moved(prefix, id, created, before, after, now, kept)   change a run's status in the lists
-- runs_gone(prefix, id)         a run was erased while it was open
-- runs_read(prefix, run, ...)   fields of the run with this key, wherever it lies
-- runs_record(prefix, place)    the key of the record at a place, such as "task:<id>"
-- runs_longer(key, ms)          let a key live so long, if it ends sooner; false if there is none
-- runs_join(prefix, record, workflow, mode, id, ms)   join the line, unless mode is "allow" or ""
--   returns   "go"; "wait" (others are before it); "skip" and the id of the run that is open
-- runs_line_longer(prefix, run, ms)   let those behind this run live so long
-- runs_posted(run, outbox)      let a job do the current step of the run with this key
-- runs_told(prefix, run)        a run has ended: tell sinks that ask for it (see outcomes.lua)
-- runs_over(run, outbox)        a run has ended: that is told, and the next of its line begins
-- @include outcomes

local RUNS_LISTED = 100000

local function runs_record(prefix, place)
  return prefix .. (string.find(place, ':', 1, true) and place or 'lead:' .. place)
end

local function runs_moved_here(prefix, run)
  local place = redis.call('TYPE', run).ok == 'string' and redis.call('GET', run)
  if not place then return end
  local old = runs_record(prefix, place) .. string.match(run, ':run:[^:]+$')
  if redis.call('EXISTS', old) == 1 then
    redis.call('RENAME', old, run)
  else
    redis.call('DEL', run)
  end
end

local function runs_read(prefix, run, ...)
  local told = redis.pcall('HMGET', run, ...)
  if not told.err then return told end
  runs_moved_here(prefix, run)
  return redis.call('HMGET', run, ...)
end

local function runs_longer(key, ms)
  if redis.call('PEXPIRE', key, ms, 'GT') == 1 then return true end
  local left = redis.call('PTTL', key)
  if left == -1 then redis.call('PEXPIRE', key, ms) end
  return left ~= -2
end

local function runs_listed(prefix, set, id, created, now, kept, most)
  redis.call('ZADD', set, created, id)
  local oldest = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')
  if tonumber(oldest[2]) < tonumber(now) - tonumber(kept)
    and redis.call('EXISTS', prefix .. 'run:' .. oldest[1]) == 0 then
    redis.call('ZREM', set, oldest[1])
  end
  redis.call('ZREMRANGEBYRANK', set, 0, -1 - tonumber(most))
  runs_longer(set, kept)
end

local function runs_moved(prefix, id, created, before, after, now, kept)
  if before == after then return end
  if before then redis.call('ZREM', prefix .. 'runs:' .. before, id) end
  runs_listed(prefix, prefix .. 'runs:' .. after, id, created, now, kept, RUNS_LISTED)
end

local function runs_gone(prefix, id)
  for _, status in ipairs({'queued', 'running', 'waiting'}) do
    redis.call('ZREM', prefix .. 'runs:' .. status, id)
  end
end

local function runs_join(prefix, record, workflow, mode, id, ms)
  if mode == 'allow' or mode == '' then return 'go' end
  local line = record .. ':line:' .. workflow
  local first = redis.call('LINDEX', line, 0)
  while first and redis.call('EXISTS', prefix .. 'run:' .. first) == 0 do
    redis.call('LPOP', line)
    first = redis.call('LINDEX', line, 0)
  end
  if first and mode == 'skip' then return 'skip', first end
  redis.call('RPUSH', line, id)
  runs_longer(line, ms)
  return first and 'wait' or 'go'
end

local function runs_line_longer(prefix, run, ms)
  local told = redis.call('HMGET', run, 'line', 'workflow', 'record')
  if not told[1] then return end
  local line = runs_record(prefix, told[3]) .. ':line:' .. told[2]
  runs_longer(line, ms)
  for _, id in ipairs(redis.call('LRANGE', line, 0, -1)) do
    local behind = prefix .. 'run:' .. id
    local digest = runs_read(prefix, behind, 'digest')[1]
    runs_longer(behind, ms)
    runs_longer(prefix .. 'definition:' .. (digest or ''), ms)
  end
end

local function runs_posted(run, outbox)
  local told = redis.call('HMGET', run, 'record', 'step', 'attempt')
  local ticket = told[2] .. ':' .. told[3]
  local id = string.match(run, ':run:([^:]+)$')
  local job = table.concat({string.match(run, '{(.-)}'), told[1], id, ticket}, '/')
  redis.call('HSET', run, 'ticket', ticket, 'due', 0)
  redis.call('XADD', outbox, '*', 'job', job, 'due', 0)
end

local function runs_told(prefix, run)
  if not outcomes_wanted(prefix) then return end
  local told = redis.call('HMGET', run, 'status', 'record', 'workflow', 'finished')
  outcomes_told(prefix, {type = 'run_' .. told[1], module = 'runs', id = told[2],
    origin = 'workflow:' .. told[3] .. '/' .. string.match(run, ':run:([^:]+)$'), at = told[4]})
end

local function runs_over(run, outbox)
  local prefix = string.match(outbox, '^(.*:)outbox$')
  runs_told(prefix, run)
  local told = redis.call('HMGET', run, 'line', 'workflow', 'record')
  if not told[1] then return end
  local line = runs_record(prefix, told[3]) .. ':line:' .. told[2]
  redis.call('LREM', line, 1, string.match(run, ':run:([^:]+)$'))
  local first = redis.call('LINDEX', line, 0)
  while first do
    local key = prefix .. 'run:' .. first
    local ticket = runs_read(prefix, key, 'ticket')[1]
    if ticket then
      if ticket == '' then runs_posted(key, outbox) end
      return
    end
    redis.call('LPOP', line)
    first = redis.call('LINDEX', line, 0)
  end
end
