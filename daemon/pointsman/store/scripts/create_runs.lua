-- Begin the runs of one event, and acknowledge it.
--
-- KEYS[1]  the organization's event stream
-- KEYS[2]  string: who may read
-- KEYS[3]  hash of the current generation
-- KEYS[4]  sorted set of the runs that go on where events are read, by the end of their lease, ms
-- KEYS[5]  outbox of jobs
-- KEYS[6]  hash of the record: of one that was erased nothing is begun
-- KEYS[7]  set of the record's run ids
-- KEYS[8+4i..11+4i]  of run i: its hash; string from run to record; its workflow's sorted set of
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
-- ARGV[14+10i..23+10i]  of run i: its id; how it begins ("here", "job" or "never"); its job, or "";
--          its definition's text, or "" if the caller believes it to be kept; digest of that;
--          workflow's id and name; event type; status; error, or ""
-- returns  {status, generation, begun...}: "done" with 1 for each run that this reader begins, now
--          or by an earlier try, and 0 for any other; "undefined" (send the definitions); "stale"
--          or "lost" as in acknowledge_events.lua; but for "done", nothing was written
local generation = tonumber(redis.call('HGET', KEYS[3], 'number') or 0)
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'lost', generation} end
if generation > tonumber(ARGV[3]) then return {'stale', generation} end

local now, kept, record = ARGV[4], ARGV[5], ARGV[10]
local runs = (#KEYS - 7) / 4

-- What a waiting run needs is kept longer already.
local function keep(key, ms)
  local left = redis.call('PTTL', key)
  if left == -1 or (left >= 0 and left < tonumber(ms)) then redis.call('PEXPIRE', key, ms) end
  return left ~= -2
end

for i = 0, runs - 1 do
  local definition, text = KEYS[11 + 4 * i], ARGV[17 + 10 * i]
  if not keep(definition, kept) then
    if text == '' then return {'undefined', generation} end
    redis.call('SET', definition, text, 'PX', kept)
  end
end

local function begin(i)
  local run, arg = KEYS[8 + 4 * i], 14 + 10 * i
  local id, how = ARGV[arg], ARGV[arg + 1]
  local there = redis.call('HMGET', run, 'reader', 'token', 'step', 'ticket')
  if there[1] then
    return there[1] == ARGV[2] and there[2] == '1' and there[3] == '0' and there[4] == 'here'
  end
  local ticket, token = '', 0
  if how == 'here' then
    ticket, token = 'here', 1
    redis.call('ZADD', KEYS[4], ARGV[7], record .. '/' .. id)
  elseif how == 'job' then
    ticket = '0:1'
    redis.call('XADD', KEYS[5], '*', 'job', ARGV[arg + 2], 'due', 0)
  end
  redis.call('HSET', run, 'v', 1, 'event', ARGV[8], 'module', ARGV[9], 'record', record,
    'revision', ARGV[11], 'depth', ARGV[12], 'trigger', ARGV[13], 'digest', ARGV[arg + 4],
    'workflow', ARGV[arg + 5], 'name', ARGV[arg + 6], 'type', ARGV[arg + 7],
    'status', ARGV[arg + 8], 'error', ARGV[arg + 9], 'generation', generation, 'reader', ARGV[2],
    'ticket', ticket, 'token', token, 'step', 0, 'attempt', 1, 'interrupted', 0,
    'created', now, 'updated', now, 'began', now)
  if how == 'never' then redis.call('HSET', run, 'finished', now) end
  redis.call('PEXPIRE', run, kept)
  redis.call('SADD', KEYS[7], id)
  -- A run is kept from its last step on, which is later than its beginning.
  keep(KEYS[7], 2 * kept)
  redis.call('SET', KEYS[9 + 4 * i], record, 'PX', kept)
  local listed = KEYS[10 + 4 * i]
  redis.call('ZADD', listed, now, id)
  redis.call('ZREMRANGEBYRANK', listed, 0, -1 - tonumber(ARGV[6]))
  keep(listed, kept)
  return how == 'here'
end

local answer = {'done', generation}
local erased = redis.call('HEXISTS', KEYS[6], 'erased') == 1
for i = 0, runs - 1 do answer[#answer + 1] = not erased and begin(i) and 1 or 0 end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[8])
return answer
