-- Taking a turn in a pool: one text for every script that assigns a lead.
--
-- rotation_stands(pool, revision)        may a turn be taken with this revision?
--   returns   "ok", "stale" (published with another revision), "gone" (removed), "lost" (no
--             pointer: see restore_pool.lua); and the pointer {position, turn, size}
-- rotation_take(keys, pointer, turn, limits)   take a turn: serve the next who may be served
--   keys      table: pool, cycle, history, stats; with limits: caps, held
--   pointer   what rotation_stands returned
--   turn      table: lead, source, at (ms), why (inside of a JSON object: how the pool was found),
--             limit (assignments kept)
--   limits    what limits_read returned; nil: only those whom the cycle bars are passed over
--   returns   {order, reason, member, participant, occurrence, turn, held}; or nil and "none" (nobody
--             may be served) or "lost" (the cycle is), and nothing was written
-- rotation_find(keys, pointer, limits)   who is next
--   returns   entry, position, array of the entries passed over, each with its reason; or nil,
--             "none" or "lost", and that array
-- rotation_waiting(keys, limits)         who has a turn left from before and is back: the first in
--   returns   line, and their line in keys.held; or nil
--
-- pool     hash: revision, size, position (0-based, served next), participant and occurrence (who
--          that is; by these a pointer survives any change of the cycle), turn (number of the next
--          turn, from 1; a text, it outgrows a Lua number), gone (ms)
-- cycle    hash: position -> "order|state|member|participant|occurrence"; state is 1, or tells why
--          this person is never served: 0 inactive, 2 weight_zero; caps follow it as in
--          "1:10@0,50@1": at most 10 in the first of the windows that limits tell, 50 in the second
-- held     list of "position order participant": who was passed over and has a turn left, oldest
--          first, each person once (a pool that holds turns only)
-- history  list of {"t":turn,"l":lead,"m":member,"o":order,"s":source,"a":ms,<why>,"n":occurrence
--          unless 1,"k":[[participant,reason]..] passed over,"r":{reason:count} more of them,
--          "h":1 if it was a turn left from before, which did not move the pointer}
-- stats    hash: total, last, <member>, <member>:last, source:<source> (of those in the history)

-- @include limits
local ROTATION_WINDOW = 64
local ROTATION_NAMED = 10
local ROTATION_LAST_TURN = '9223372036854775807'

local function rotation_entry(text)
  local order, state, caps, member, participant, occurrence =
    string.match(text, '^(%d+)|(%d)([^|]*)|([^|]*)|([^|]*)|?(%d*)$')
  local reason = state ~= '1' and (state == '0' and 'inactive' or 'weight_zero') or nil
  return {order = order, reason = reason, caps = caps, member = member,
    participant = participant, occurrence = tonumber(occurrence)}
end

local function rotation_stands(pool, revision)
  local kept = redis.call('HMGET', pool, 'revision', 'position', 'turn', 'size', 'gone')
  if kept[5] then return 'gone' end
  if not (kept[1] and kept[2] and kept[3] and kept[4]) then return 'lost' end
  if kept[1] ~= revision then return 'stale' end
  return 'ok', {position = tonumber(kept[2]), turn = kept[3], size = tonumber(kept[4])}
end

-- Return the entries of ``count`` positions from ``first`` on, round the end.
local function rotation_window(cycle, first, count, size)
  local positions = {}
  for step = 0, count - 1 do positions[step + 1] = (first + step) % size end
  return redis.call('HMGET', cycle, unpack(positions))
end

local function rotation_find(keys, pointer, limits)
  local passed, walked, width = {}, 0, 1
  while walked < pointer.size do
    local count = math.min(width, pointer.size - walked)
    local window = rotation_window(keys.cycle, pointer.position + walked, count, pointer.size)
    for step = 1, count do
      local entry = window[step] and rotation_entry(window[step])
      if not entry then return nil, 'lost', passed end
      if limits and not entry.reason then
        entry.reason = limits_reason(limits, keys.caps, entry)
      end
      if not entry.reason then
        return entry, (pointer.position + walked + step - 1) % pointer.size, passed
      end
      passed[#passed + 1] = entry
    end
    walked, width = walked + count, math.min(4 * width, ROTATION_WINDOW)
  end
  return nil, 'none', passed
end

-- Return the JSON of those passed over: ten by name, the others as a count by reason.
local function rotation_passed(passed)
  local named, more, counts, seen = {}, {}, {}, {}
  for _, entry in ipairs(passed) do
    local new = not seen[entry.participant]
    seen[entry.participant] = true
    if new and #named < ROTATION_NAMED then
      named[#named + 1] = '["' .. entry.participant .. '","' .. entry.reason .. '"]'
    elseif new then
      if not counts[entry.reason] then more[#more + 1] = entry.reason end
      counts[entry.reason] = (counts[entry.reason] or 0) + 1
    end
  end
  if #named == 0 then return '' end
  local text = ',"k":[' .. table.concat(named, ',') .. ']'
  if #more == 0 then return text end
  for i, reason in ipairs(more) do more[i] = '"' .. reason .. '":' .. counts[reason] end
  return text .. ',"r":{' .. table.concat(more, ',') .. '}'
end

local function rotation_point(keys, position, size)
  local text = redis.call('HGET', keys.cycle, position % size)
  local entry = text and rotation_entry(text) or {participant = '', occurrence = 1}
  redis.call('HSET', keys.pool, 'position', position % size, 'participant', entry.participant,
    'occurrence', entry.occurrence)
end

local function rotation_next_turn(pool, turn)
  if turn == ROTATION_LAST_TURN then
    redis.call('HSET', pool, 'turn', '1')
  else
    redis.call('HINCRBY', pool, 'turn', 1)
  end
end

local function rotation_waiting(keys, limits)
  if not (limits and limits.hold) then return nil end
  local lines, positions = {}, {}
  for _, line in ipairs(redis.call('LRANGE', keys.held, 0, -1)) do
    local position, order = string.match(line, '^(%d+) (%d+) ')
    if not limits_away(limits, order) then
      lines[#lines + 1], positions[#positions + 1] = line, position
    end
  end
  for first = 1, #lines, ROTATION_WINDOW do
    local last = math.min(first + ROTATION_WINDOW - 1, #lines)
    for i, text in ipairs(redis.call('HMGET', keys.cycle, unpack(positions, first, last))) do
      local entry = text and rotation_entry(text)
      if entry and not (entry.reason or limits_reason(limits, keys.caps, entry)) then
        entry.held = true
        return entry, lines[first + i - 1]
      end
    end
  end
end

-- Let everyone passed over keep one turn: they wait in line until they are back.
local function rotation_hold(keys, pointer, passed)
  if #passed == 0 then return end
  local waits = {}
  for _, line in ipairs(redis.call('LRANGE', keys.held, 0, -1)) do
    waits[string.match(line, ' (%S+)$')] = true
  end
  for step, entry in ipairs(passed) do
    if not waits[entry.participant] and entry.reason ~= 'weight_zero' then
      waits[entry.participant] = true
      redis.call('RPUSH', keys.held, (pointer.position + step - 1) % pointer.size .. ' ' ..
        entry.order .. ' ' .. entry.participant)
    end
  end
end

local function rotation_record(keys, entry, number, turn, passed)
  local occurrence = entry.occurrence > 1 and ',"n":' .. entry.occurrence or ''
  if entry.held then occurrence = occurrence .. ',"h":1' end
  local length = redis.call('RPUSH', keys.history, '{"t":' .. number .. ',"l":"' .. turn.lead ..
    '","m":"' .. entry.member .. '","o":' .. entry.order .. ',"s":"' .. turn.source ..
    '","a":' .. turn.at .. ',' .. turn.why .. occurrence .. rotation_passed(passed) .. '}')
  redis.call('HINCRBY', keys.stats, 'total', 1)
  redis.call('HINCRBY', keys.stats, entry.member, 1)
  redis.call('HINCRBY', keys.stats, 'source:' .. turn.source, 1)
  redis.call('HSET', keys.stats, 'last', turn.at, entry.member .. ':last', turn.at)
  if length > turn.limit then
    for _, old in ipairs(redis.call('LPOP', keys.history, 2)) do
      redis.call('HINCRBY', keys.stats, 'source:' .. string.match(old, '"s":"(%w+)"'), -1)
    end
  end
end

local function rotation_take(keys, pointer, turn, limits)
  local entry, line = rotation_waiting(keys, limits)
  local passed = {}
  if entry then
    redis.call('LREM', keys.held, 1, line)
  else
    local position
    entry, position, passed = rotation_find(keys, pointer, limits)
    if not entry then return nil, position end
    if limits and limits.hold then rotation_hold(keys, pointer, passed) end
    rotation_point(keys, position + 1, pointer.size)
  end
  entry.turn = pointer.turn
  rotation_next_turn(keys.pool, pointer.turn)
  if entry.counts then limits_reserve(keys.caps, entry.counts) end
  rotation_record(keys, entry, pointer.turn, turn, passed)
  return entry
end
