-- Write records, each if it still is what the write was made from: all of them, or none.
--
-- KEYS[1]  the organization's event stream (other keys of it are built: see listed.lua; of a lead
--          that is deleted or gets another owner, sticky.lua and parking.lua)
-- KEYS[2]  the first answer to this operation
-- KEYS[3]  the organization's outbox
-- KEYS[4+2i..5+2i]  of record i: its hash, the list of its changes
-- KEYS[..] counters of pools whose deals change
-- ARGV[1]  now, ms
-- ARGV[2]  "<origin of the change> <depth> <record ttl> <log ttl> <ttl of what is deleted>"
-- ARGV[3]  number of records
-- ARGV[4+7i..10+7i]  of record i: "<how> <module> <revision> <event types> <purpose> <due>": how is
--          "create", "change" or "delete", revision the one that the write was made from, purpose
--          and due (ms) of a timer to set, or "- 0"; JSON of its data; JSON of the changed fields'
--          earlier values; its owner, "" for none; 1 if the owner is another one, else 0; what it is
--          found by, or what of that is another (see listed.lua); origin of its creation
-- ARGV[..] of each pool: "<more deals> <more of them won>"
-- returns  {"done", revision..}; {"conflict", i} (record i was changed meanwhile), {"exists", i} or
--          {"unknown", i}, and nothing was written
-- @include conflict
-- @include events
-- @include listed
-- @include once
-- @include turn
-- @include owner
-- @include owner
local first = once_recall(KEYS[2])
if first then return first end

local count, now = tonumber(ARGV[3]), clock_now(KEYS[1], ARGV[1])
local origin, depth, ttl, log_ttl, deleted_ttl =
  string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')

local function record_read(i)
  local arg = 4 + 7 * i
  local how, module, revision, types, purpose, due =
    string.match(ARGV[arg], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  return {key = KEYS[4 + 2 * i], log = KEYS[5 + 2 * i], id = string.sub(KEYS[4 + 2 * i], -24),
    how = how, module = module, revision = revision, types = types, purpose = purpose, due = due,
    data = ARGV[arg + 1], previous = ARGV[arg + 2], owner = ARGV[arg + 3],
    disowned = ARGV[arg + 4] == '1', found = ARGV[arg + 5], by = ARGV[arg + 6]}
end

-- Return what keeps a record from being written, or nil.
local function record_hindered(record)
  if record.how == 'create' then return redis.call('EXISTS', record.key) == 1 and 'exists' end
  local there = redis.call('HMGET', record.key, 'data', 'revision', 'deleted')
  if not there[1] or there[3] then return 'unknown' end
  return there[2] ~= record.revision and 'conflict'
end

local function record_list(record)
  if record.how == 'create' then
    listed_add(KEYS[1], record.module, record.id, now, record.found)
  elseif record.how == 'delete' then
    listed_remove(listed_key(KEYS[1], record.module), record.id)
  else
    listed_change(listed_key(KEYS[1], record.module), record.id, record.found)
  end
end

local function record_own(record)
  if not record.disowned then return end
  if record.owner == '' then
    redis.call('HDEL', record.key, 'owner')
  else
    redis.call('HSET', record.key, 'owner', record.owner)
  end
  if record.module ~= 'leads' then return end
  owner_other(record.key)
  if record.owner == '' then
    sticky_forget(record.key)
    redis.call('HDEL', record.key, 'sticky')
  else
    sticky_move(record.key, record.owner)
    parking_leave(record.key, redis.call('HGET', record.key, 'parked'))
  end
end

local function record_write(record)
  local revision = redis.call('HINCRBY', record.key, 'revision', 1)
  redis.call('HSET', record.key, 'v', 1, 'data', record.data, 'updated', now)
  if record.how == 'create' then
    redis.call('HSET', record.key, 'created', now, 'by', record.by)
  elseif record.how == 'delete' then
    redis.call('HSET', record.key, 'deleted', now)
    sticky_forget(record.key)
    parking_leave(record.key, redis.call('HGET', record.key, 'parked'))
  end
  record_own(record)
  record_list(record)
  redis.call('PEXPIRE', record.key, record.how == 'delete' and deleted_ttl or ttl)
  record_change(record.log, KEYS[1], {types = record.types, module = record.module,
    id = record.id, revision = revision, origin = origin, depth = depth, at = now,
    previous = record.previous, ttl = record.how == 'delete' and deleted_ttl or log_ttl,
    told = record.how == 'change' and conflict_told(record.log, {origin = origin,
      previous = record.previous, data = record.data, owner = record.owner}) or nil})
  if record.purpose ~= '-' then timer_set(KEYS[3], record.purpose, record.id, record.due) end
  return revision
end

local records = {}
for i = 0, count - 1 do
  records[i] = record_read(i)
  local hindered = record_hindered(records[i])
  if hindered then return {hindered, i} end
end
local answer = {'done'}
for i = 0, count - 1 do answer[i + 2] = record_write(records[i]) end
for i = 4 + 2 * count, #KEYS do
  local deals, won = string.match(ARGV[4 + 7 * count + i - (4 + 2 * count)], '^(%S+) (%S+)$')
  -- Of a pool that was removed nothing is counted any more.
  if redis.call('EXISTS', KEYS[i]) == 1 then
    redis.call('HINCRBY', KEYS[i], 'deals:total', deals)
    redis.call('HINCRBY', KEYS[i], 'deals:won', won)
  end
end
return once_keep(KEYS[2], answer)
