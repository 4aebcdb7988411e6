-- Writing records, each if it still is what its write was made from, with all that follows from that.
--
-- records_read(keys, key, argv, arg, count)   writes as a script has them
--   keys[key+2i..key+1+2i]  of write i: hash of its record, list of that one's changes
--   argv[arg+8i..arg+7+8i]  of write i: "<how> <module> <revision> <event types> <purpose> <due>": how
--           is "create", "change", "delete", or "keep" (it only must still be what it was), revision
--           the one that the write was made from, purpose and due (ms) of a timer to set, or "- 0";
--           JSON of the record's data; JSON of the changed fields' earlier values; its owner, "" for
--           none; 1 if the owner is another one, else 0; what it is found by, or what of that is
--           another (see listed.lua); origin of its creation; "<pool> <more deals> <more of them
--           won>.." of the pools that it counts for, or ""
-- records_hindered(writes)     what keeps one of them from being written, and which (from 0); or nil:
--                              "conflict" (it was changed meanwhile), "exists" or "unknown"
-- records_by(stream, outbox, now, told)   what records_write is to know of whose writes they are
--   told    "<origin> <depth> <record ttl> <log ttl> <ttl of what is deleted>" (ms)
-- records_write(writes, by)    write them all, in their order; return the revisions
--
-- A record may be written several times, each write made from what the one before it left; what it is
-- at last is stored once, its changes and their events one by one.
-- Other keys of the organization are built: see listed.lua; of a lead that is deleted or gets another
-- owner, sticky.lua and parking.lua; of pools, from the stream's: "pool:<id>:stats".
-- @include conflict
-- @include events
-- @include listed
-- @include turn
-- @include owner

local function records_read(keys, key, argv, arg, count)
  local writes = {}
  for i = 1, count do
    local how, module, revision, types, purpose, due =
      string.match(argv[arg], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
    writes[i] = {key = keys[key], log = keys[key + 1], id = string.sub(keys[key], -24), how = how,
      module = module, revision = revision, types = types, purpose = purpose, due = due,
      data = argv[arg + 1], previous = argv[arg + 2], owner = argv[arg + 3],
      disowned = argv[arg + 4] == '1', found = argv[arg + 5], by = argv[arg + 6],
      deals = argv[arg + 7]}
    key, arg = key + 2, arg + 8
  end
  return writes
end

local function records_hindrance(write)
  if write.how == 'create' then return redis.call('EXISTS', write.key) == 1 and 'exists' end
  local there = redis.call('HMGET', write.key, 'revision', 'deleted')
  if not there[1] or there[2] then return 'unknown' end
  return there[1] ~= write.revision and 'conflict'
end

local function records_hindered(writes)
  local looked = {}
  for i, write in ipairs(writes) do
    local hindered = not looked[write.key] and records_hindrance(write)
    if hindered then return hindered, i - 1 end
    looked[write.key] = true
  end
end

local function records_by(stream, outbox, now, told)
  local by = {stream = stream, outbox = outbox, now = clock_now(stream, now)}
  by.origin, by.depth, by.ttl, by.log_ttl, by.deleted_ttl =
    string.match(told, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  return by
end

local function records_list(write, by)
  if write.how == 'create' then
    listed_add(by.stream, write.module, write.id, by.now, write.found)
  elseif write.how == 'delete' then
    listed_remove(listed_key(by.stream, write.module), write.id)
  elseif write.found ~= '' then
    listed_change(listed_key(by.stream, write.module), write.id, write.found)
  end
end

local function records_own(write)
  if not write.disowned then return end
  if write.owner == '' then
    redis.call('HDEL', write.key, 'owner')
  else
    redis.call('HSET', write.key, 'owner', write.owner)
  end
  if write.module ~= 'leads' then return end
  owner_other(write.key)
  if write.owner == '' then
    sticky_forget(write.key)
    redis.call('HDEL', write.key, 'sticky')
  else
    sticky_move(write.key, write.owner)
    parking_leave(write.key, redis.call('HGET', write.key, 'parked'))
  end
end

-- Of a pool that was removed nothing is counted any more.
local function records_count(write, by)
  for pool, deals, won in string.gmatch(write.deals, '(%S+) (%S+) (%S+)') do
    local stats = string.sub(by.stream, 1, -7) .. 'pool:' .. pool .. ':stats'
    if redis.call('EXISTS', stats) == 1 then
      redis.call('HINCRBY', stats, 'deals:total', deals)
      redis.call('HINCRBY', stats, 'deals:won', won)
    end
  end
end

local function records_keep(write, by, is_last)
  if is_last then
    redis.call('HSET', write.key, 'v', 1, 'data', write.data, 'updated', by.now)
  end
  if write.how == 'create' then
    redis.call('HSET', write.key, 'created', by.now, 'by', write.by)
  elseif write.how == 'delete' then
    redis.call('HSET', write.key, 'deleted', by.now)
    sticky_forget(write.key)
    parking_leave(write.key, redis.call('HGET', write.key, 'parked'))
  end
  records_own(write)
  records_list(write, by)
  if is_last then
    redis.call('PEXPIRE', write.key, write.how == 'delete' and by.deleted_ttl or by.ttl)
  end
end

local function records_write_one(write, by, is_last)
  local revision = redis.call('HINCRBY', write.key, 'revision', 1)
  records_keep(write, by, is_last)
  record_change(write.log, by.stream, {types = write.types, module = write.module, id = write.id,
    revision = revision, origin = by.origin, depth = by.depth, at = by.now,
    previous = write.previous, ttl = write.how == 'delete' and by.deleted_ttl or by.log_ttl,
    told = write.how == 'change' and conflict_told(write.log, {origin = by.origin,
      previous = write.previous, data = write.data, owner = write.owner}) or nil})
  if write.purpose ~= '-' then timer_set(by.outbox, write.purpose, write.id, write.due) end
  if write.deals ~= '' then records_count(write, by) end
  return revision
end

local function records_write(writes, by)
  local last, revisions = {}, {}
  for i, write in ipairs(writes) do
    if write.how ~= 'keep' then last[write.key] = i end
  end
  for i, write in ipairs(writes) do
    if write.how ~= 'keep' then
      revisions[#revisions + 1] = records_write_one(write, by, last[write.key] == i)
    end
  end
  return revisions
end
