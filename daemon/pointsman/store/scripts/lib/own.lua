-- Giving a record of any module its owner by an algorithm; include turn and assignment before.
--
-- own_read(keys, argv)   the record of KEYS and ARGV as both scripts have them, as a table; nil: unknown
-- own_kept(record)       what to answer if its owner is to stay; or nil
-- own_open(keys, argv)   the record to give and the generation; or nil, the generation, and what to
--                        return: it was given before, is unknown or is to stay
-- own_give(record, member, assignment)   write the owner with the change and its event; return what
--                        to answer. assignment: its JSON if a published pool's history has it, or ""
--
-- Keys and arguments that both have:
-- KEYS[1]  hash of the record
-- KEYS[2]  list of the record's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  hash of the current generation
-- KEYS[5]  the first answer to this operation
-- ARGV[1]  now, ms
-- ARGV[2]  "<module> <event types> <origin of the change> <depth> <record ttl> <log ttl> <history
--          limit> <overwrite>": overwrite is 1 if an owned record gets another owner too
-- Of a lead, keys of the same organization are built (owner.lua, sticky.lua, parking.lua).
-- @include owner
-- @include events
-- @include conflict
-- @include once

local function own_read(keys, argv)
  local kept = redis.call('HMGET', keys[1], 'data', 'owner', 'deleted')
  if not kept[1] or kept[3] then return nil end
  local record = {key = keys[1], log = keys[2], stream = keys[3], owner = kept[2] or nil,
    id = string.sub(keys[1], -24), now = clock_now(keys[3], argv[1])}
  record.module, record.types, record.origin, record.depth, record.ttl, record.log_ttl,
    record.limit, record.overwrite =
    string.match(argv[2], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  return record
end

local function own_answer(record, member, reason)
  local before = record.owner and '"' .. record.owner .. '"' or 'null'
  return '{"owner":"' .. member .. '","before":' .. before .. ',"reason":"' .. reason .. '"}'
end

local function own_kept(record)
  if not record.owner or record.overwrite == '1' then return nil end
  return own_answer(record, record.owner, 'already_owned')
end

local function own_open(keys, argv)
  local generation = tonumber(redis.call('HGET', keys[4], 'number') or 0)
  local first = once_recall(keys[5])
  if first then return nil, generation, {'done', generation, first} end
  local record = own_read(keys, argv)
  if not record then return nil, generation, {'unknown', generation} end
  local kept = own_kept(record)
  if kept then return nil, generation, {'done', generation, once_keep(keys[5], kept)} end
  return record, generation
end

local function own_give(record, member, assignment)
  local answer = own_answer(record, member, 'assigned')
  if record.owner == member then return answer end
  if record.module == 'leads' then
    local lead = owner_read(record.key)
    if lead.owner then owner_end(lead, 'reassigned', record.now, '"' .. record.origin .. '"') end
    owner_give(lead, member, assignment, record.now, record.ttl)
  else
    redis.call('HSET', record.key, 'owner', member, 'updated', record.now)
    redis.call('PEXPIRE', record.key, record.ttl)
  end
  local previous = '{"owner_id":' .. (record.owner and '"' .. record.owner .. '"' or 'null') .. '}'
  record_change(record.log, record.stream, {types = record.types, module = record.module,
    id = record.id, revision = redis.call('HINCRBY', record.key, 'revision', 1),
    origin = record.origin, depth = record.depth, at = record.now, previous = previous,
    ttl = record.log_ttl, told = conflict_told(record.log,
      {origin = record.origin, previous = previous, data = '{}', owner = member})})
  return answer
end
