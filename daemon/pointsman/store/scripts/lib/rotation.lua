-- Publishing a pool: what a change of its people does to the pointer.
--
-- rotation_keys(prefix, id)              keys of pool ``id``; ``prefix`` is "pm:{<organization>}:"
--   returns   {pools, pool, cycle, history, stats, caps, held}. Builds keys: for scripts only that
--             publish
-- rotation_publish(keys, spec, reset)    make a pool as ``spec`` says, its pointer as it should be
--   spec      table: id, revision, on_change ("keep" or "reset"), cycle (array of
--             "order|state|member|participant"), weights (array by order), hold (true: turns are
--             held), ahead (true: they can be taken ahead); what pools.compile.published returns
--   reset     true: next is the first, whatever was; false: as on_change says
--   returns   "unchanged", "created", "kept", "moved", "reset" or "restored" (the pointer was lost)
--   Doing it again with the same arguments changes nothing (but a reset resets).
-- rotation_remove(keys, id, now, retention)   stop a pool at once, keep its state ``retention`` ms
--   Doing it again changes nothing; rotation_publish brings the pool back with its state.
-- rotation_erase(keys, id)               stop a pool and remove its state at once
-- rotation_archive(keys, id, now, ms)    the same, but history and counters are kept ``ms``
--
-- The keys are described in turn.lua.

-- @include turn
local function rotation_keys(prefix, id)
  local pool = prefix .. 'pool:' .. id
  return {pools = prefix .. 'pools', pool = pool, cycle = pool .. ':cycle',
    history = pool .. ':history', stats = pool .. ':stats', caps = pool .. ':caps',
    held = pool .. ':held'}
end

-- Return the array of a cycle's entries as stored, from position 0 on.
local function rotation_stored(cycle)
  local entries, flat = {}, redis.call('HGETALL', cycle)
  for i = 1, #flat, 2 do entries[tonumber(flat[i]) + 1] = rotation_entry(flat[i + 1]) end
  return entries
end

-- Return the entries of a new cycle with their occurrences counted.
local function rotation_parsed(cycle)
  local entries, count = {}, {}
  for i, text in ipairs(cycle) do
    local entry = rotation_entry(text)
    count[entry.participant] = (count[entry.participant] or 0) + 1
    entry.occurrence = count[entry.participant]
    entries[i] = entry
  end
  return entries
end

-- Return participants in their order as one text: what must change for the pointer to move.
local function rotation_people(entries)
  local people, seen = {}, {}
  for _, entry in ipairs(entries) do
    if not seen[entry.participant] then
      seen[entry.participant] = true
      people[#people + 1] = {tonumber(entry.order), entry.participant}
    end
  end
  table.sort(people, function(a, b) return a[1] < b[1] end)
  for i, person in ipairs(people) do people[i] = person[2] end
  return table.concat(people, ' ')
end

-- Return the 1-based place of a participant's occurrence (or its last before that), or nil.
local function rotation_place(entries, participant, occurrence)
  local found
  for i, entry in ipairs(entries) do
    if entry.participant == participant and (not found or entry.occurrence <= occurrence) then
      found = i
    end
  end
  return found
end

-- Return the 1-based place after the last one served who is still in ``entries``, or nil, and the
-- number of the last turn: what is left of a pointer that was lost.
local function rotation_remembered(history, entries)
  local served = redis.call('LRANGE', history, -1000, -1)
  local last = served[#served] and string.match(served[#served], '"t":(%d+)')
  for i = #served, 1, -1 do
    local member = string.match(served[i], '"m":"([^"]*)"')
    local occurrence = tonumber(string.match(served[i], '"n":(%d+)') or '1')
    local held = string.find(served[i], '"h":1', 1, true) or
      string.find(served[i], '"y":"', 1, true) or string.find(served[i], '"u":1', 1, true)
    for _, entry in ipairs(held and {} or entries) do
      if entry.member == member then
        return rotation_place(entries, entry.participant, occurrence) % #entries + 1, last
      end
    end
  end
  return nil, last
end

-- Return the 1-based place in ``new`` of who was next in ``old``, or of the first after who stays.
local function rotation_follow(old, place, new)
  for step = 0, #old - 1 do
    local entry = old[(place - 1 + step) % #old + 1]
    local found = entry and rotation_place(new, entry.participant, entry.occurrence)
    if found then return found end
  end
  return 1
end

local function rotation_write(keys, spec, entries)
  redis.call('DEL', keys.cycle)
  for i, entry in ipairs(entries) do
    redis.call('HSET', keys.cycle, i - 1, spec.cycle[i] .. '|' .. entry.occurrence)
  end
  redis.call('HSET', keys.pool, 'revision', spec.revision, 'size', #entries)
end

-- Keep the turns that are held, of those who are still there and have any.
local function rotation_rehold(keys, spec, entries)
  local held = redis.call('LRANGE', keys.held, 0, -1)
  redis.call('DEL', keys.held)
  for _, line in ipairs(held) do
    local credit = string.match(line, ' credit ')
    local participant = string.match(line, ' (%S+)$')
    local place = (spec.hold or credit) and rotation_place(entries, participant, 1)
    if place and entries[place].reason ~= 'weight_zero' then
      redis.call('RPUSH', keys.held, place - 1 .. ' ' .. entries[place].order ..
        (credit or ' ') .. participant)
      if credit then redis.call('HSET', keys.pool, 'credits', 1) end
    end
  end
end

-- Keep what turns were taken ahead, by those who are still there and have any.
local function rotation_reowe(keys, spec, entries)
  local owed, flat = keys.pool .. ':owed', redis.call('HGETALL', keys.pool .. ':owed')
  for i = 1, #flat, 2 do
    local place = rotation_place(entries, flat[i], 1)
    if not (spec.ahead and place and entries[place].reason ~= 'weight_zero') then
      redis.call('HDEL', owed, flat[i])
    end
  end
end

-- Return the keys of the history, which are also of the counters' sources.
local function rotation_told(keys)
  local told = {keys.stats, keys.history}
  for _, field in ipairs(redis.call('HKEYS', keys.stats)) do
    local source = string.match(field, '^source:(%w+)$')
    if source then told[#told + 1] = keys.history .. ':' .. source end
  end
  return told
end

-- Return the keys that stay as long as their pool does.
local function rotation_lasting(keys)
  return {keys.pool, keys.cycle, keys.held, keys.pool .. ':owed', keys.pool .. ':parked',
    keys.pool .. ':moves', keys.pool .. ':people', unpack(rotation_told(keys))}
end

local function rotation_return(keys)
  redis.call('HDEL', keys.pool, 'gone')
  for _, key in ipairs(rotation_lasting(keys)) do
    redis.call('PERSIST', key)
  end
end

-- Return where the pointer goes (1-based) and what that is called.
local function rotation_decide(keys, spec, old, new, reset)
  local kept = redis.call('HMGET', keys.pool, 'participant', 'occurrence', 'position')
  local lost = not (kept[1] and kept[3])
  if reset then return 1, 'reset' end
  if lost then
    local known = #old > 0 and old or new
    local place = rotation_remembered(keys.history, known)
    if not place then return 1, 'created' end
    return rotation_follow(known, place, new), 'restored'
  end
  local changed = #old > 0 and rotation_people(old) ~= rotation_people(new)
  if changed and spec.on_change == 'reset' then return 1, 'reset' end
  local place = rotation_place(new, kept[1], tonumber(kept[2]))
  if not place then place = rotation_follow(old, tonumber(kept[3]) + 1, new) end
  return place, changed and 'moved' or 'kept'
end

-- Note what a publication did to the pointer: "d" if a reset was demanded, "n" if no cycle was there.
local function rotation_tell(keys, spec, new, effect, more)
  moves_people(keys.pool, new, spec.weights, (spec.hold and 'h' or '') ..
    (spec.ahead and 'a' or '') .. (spec.on_change == 'reset' and 'r' or ''))
  moves_note(keys.pool, effect, more)
end

-- Number turns on from the last that the history tells, if no number is kept.
local function rotation_begin(keys)
  if redis.call('HEXISTS', keys.pool, 'turn') == 1 then return end
  local _, last = rotation_remembered(keys.history, {})
  redis.call('HSET', keys.pool, 'turn', last or '0')
  rotation_next_turn(keys.pool, last or '0')
end

local function rotation_publish(keys, spec, reset)
  redis.call('HSET', keys.pools, spec.id, spec.revision)
  local stands, pointer = rotation_stands(keys.pool, spec.revision)
  if stands == 'gone' then
    rotation_return(keys)
    stands, pointer = rotation_stands(keys.pool, spec.revision)
  end
  if stands == 'ok' and not reset and redis.call('HLEN', keys.cycle) == pointer.size then
    if redis.call('HEXISTS', keys.pool, 'people') == 0 then
      rotation_tell(keys, spec, rotation_parsed(spec.cycle), 'mark')
    end
    return 'unchanged'
  end
  local new, old = rotation_parsed(spec.cycle), rotation_stored(keys.cycle)
  local place, effect = rotation_decide(keys, spec, old, new, reset)
  rotation_write(keys, spec, new)
  if effect == 'reset' then redis.call('DEL', keys.held, keys.pool .. ':owed') end
  rotation_rehold(keys, spec, new)
  rotation_reowe(keys, spec, new)
  if #new > 0 then
    rotation_point(keys, place - 1, #new)
  else
    redis.call('HSET', keys.pool, 'position', 0)
  end
  rotation_begin(keys)
  rotation_tell(keys, spec, new, effect, (reset and ',"d":1' or '') ..
    (#old == 0 and ',"n":1' or ''))
  return effect
end

local function rotation_remove(keys, id, now, retention)
  redis.call('HDEL', keys.pools, id)
  if redis.call('HSETNX', keys.pool, 'gone', now) == 1 then
    for _, key in ipairs(rotation_lasting(keys)) do
      redis.call('PEXPIRE', key, retention)
    end
  end
end

local function rotation_erase(keys, id)
  redis.call('HDEL', keys.pools, id)
  redis.call('UNLINK', keys.caps, unpack(rotation_lasting(keys)))
end

local function rotation_archive(keys, id, now, ms)
  local kept = {keys.pool, unpack(rotation_told(keys))}
  redis.call('UNLINK', keys.caps, keys.pool, keys.cycle, keys.held, keys.pool .. ':owed',
    keys.pool .. ':parked', keys.pool .. ':moves', keys.pool .. ':people')
  redis.call('HDEL', keys.pools, id)
  redis.call('HSET', keys.pool, 'gone', now)
  for _, key in ipairs(kept) do redis.call('PEXPIRE', key, ms) end
end
