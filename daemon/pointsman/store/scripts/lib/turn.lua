-- Taking a turn in a pool: one text for every script that assigns a lead.
--
-- rotation_stands(pool, revision)        may a turn be taken with this revision?
--   returns   "ok", "stale" (published with another revision), "gone" (removed), "lost" (no
--             pointer: see restore_pool.lua); and the pointer {position, turn, size}
-- rotation_take(keys, pointer, turn, limits)   take a turn: serve the next who may be served
--   keys      table: pool, cycle, history, stats; with limits: caps, held
--   pointer   what rotation_stands returned
--   turn      table: lead, source, at (ms), why (inside of a JSON object: how the pool was found),
--             limit (assignments kept); owner (the entry of a sticky owner who is to be served out
--             of turn), charge (true: they take a turn of theirs ahead), told (what the history
--             tells of that)
--   limits    what limits_read returned; nil: only those whom the cycle bars are passed over
--   returns   {order, reason, member, participant, occurrence, turn, held}; or nil and "none" (nobody
--             may be served) or "lost" (the cycle is), and nothing was written
-- rotation_find(keys, pointer, limits)   who is next
--   returns   entry, position, array of the entries passed over, each with its reason, and the text
--             of the entry that comes after; or nil, "none" or "lost", and that array
-- rotation_waiting(keys, limits, credits)   who has a turn left from before and is back: the first in
--   returns   line, and their line in keys.held; or nil, nil; and who else waits before them and is not
--             back, as the history tells it ("j")
--
-- pool     hash: revision, size, position (0-based, served next), participant and occurrence (who
--          that is; by these a pointer survives any change of the cycle), turn (number of the next
--          turn, from 1; a text, it outgrows a Lua number), gone (ms)
-- cycle    hash: position -> "order|state|member|participant|occurrence"; state is 1, or tells why
--          this person is never served: 0 inactive, 2 weight_zero; caps follow it as in
--          "1:10@0,50@1": at most 10 in the first of the windows that limits tell, 50 in the second
-- held     list of "position order participant": who was passed over and has a turn left, oldest
--          first, each person once (a pool that holds turns only); and of "position order credit
--          participant": who got a turn back. While there may be any of these, ``credits`` of the
--          pool's hash is 1
-- history  list of {"t":turn,"l":lead,"m":member,"o":order,"s":source,"a":ms,<why>,"n":occurrence
--          unless 1,"k":[[participant,reason]..] passed over,"r":{reason:count} more of them,
--          "h":1 if it was a turn left from before, "y":"email" or "phone" if a sticky owner got it
--          by that: both did not move the pointer; "x":[kind,member,reason] why the owner did not
--          get it; "z":ms since when the lead had waited; "u":1 if it took nobody's turn; "i": the
--          units that it counted (limits_mask); "j": who waited in line before and was not back:
--          "<order><letter>.." (ROTATION_LETTERS) of ten, and "+<more>"}; and what came after it (see
--          history.lua). Beside it, history:<source>: list of the rows' numbers (of stats, total) by
--          their source
-- owed     hash: participant -> turns that they took ahead, at most ROTATION_AHEAD: so often they
--          are stepped over as "turn_taken". Built here: pool .. ":owed"
-- stats    hash: total, last, <member>, <member>:last, source:<source> (of those in the history),
--          deals:total and deals:won (opportunities of the leads that got a turn here)

-- @include limits
-- @include moves
local ROTATION_WINDOW = 64
local ROTATION_NAMED = 10
local ROTATION_AHEAD = 10
local ROTATION_LAST_TURN = '9223372036854775807'
local ROTATION_EXACT = 15  -- digits of a number that Lua adds to without loss
local ROTATION_LETTERS = {inactive = 'i', weight_zero = 'w', out_of_hours = 'h', out_of_office = 'o',
  at_cap = 'c', reassigned = 'r', not_accepted = 'n'}

local function rotation_entry(text)
  local order, state, caps, member, participant, occurrence =
    string.match(text, '^(%d+)|(%d)([^|]*)|([^|]*)|([^|]*)|?(%d*)$')
  local reason = state ~= '1' and (state == '0' and 'inactive' or 'weight_zero') or nil
  return {order = order, reason = reason, caps = caps, member = member,
    participant = participant, occurrence = tonumber(occurrence)}
end

local function rotation_stands(pool, revision)
  local kept = redis.call('HMGET', pool, 'revision', 'position', 'turn', 'size', 'gone',
    'credits')
  if kept[5] then return 'gone' end
  if not (kept[1] and kept[2] and kept[3] and kept[4]) then return 'lost' end
  if kept[1] ~= revision then return 'stale' end
  return 'ok', {position = tonumber(kept[2]), turn = kept[3], size = tonumber(kept[4]),
    credits = kept[6]}
end

-- Return the entries of ``count`` positions from ``first`` on, round the end, and one more.
local function rotation_window(cycle, first, count, size)
  local positions = {}
  for step = 0, count do positions[step + 1] = (first + step) % size end
  return redis.call('HMGET', cycle, unpack(positions))
end

-- Return who took turns ahead and how many, or nil if nobody did.
local function rotation_owed(keys, limits)
  if not (limits and limits.ahead) then return nil end
  local owed, flat = {}, redis.call('HGETALL', keys.pool .. ':owed')
  for i = 1, #flat, 2 do owed[flat[i]] = tonumber(flat[i + 1]) end
  return flat[1] and owed
end

-- Return whether a turn that was taken ahead is paid with this one.
local function rotation_pays(owed, entry)
  local left = owed and owed[entry.participant] or 0
  if left > 0 then owed[entry.participant] = left - 1 end
  return left > 0
end

local function rotation_find(keys, pointer, limits)
  local passed, walked, width, most = {}, 0, 1, pointer.size
  local owed = rotation_owed(keys, limits)
  while walked < most do
    local count = math.min(width, most - walked)
    local window = rotation_window(keys.cycle, pointer.position + walked, count, pointer.size)
    for step = 1, count do
      local entry = window[step] and rotation_entry(window[step])
      if not entry then return nil, 'lost', passed end
      if limits and not entry.reason then
        entry.reason = limits_reason(limits, keys.caps, entry)
      end
      if not entry.reason and rotation_pays(owed, entry) then
        entry.reason = 'turn_taken'
        most = pointer.size * (math.floor((walked + step - 1) / pointer.size) + 2)
      end
      if not entry.reason then
        local position = (pointer.position + walked + step - 1) % pointer.size
        return entry, position, passed, window[step + 1]
      end
      passed[#passed + 1] = entry
    end
    walked, width = walked + count, math.min(4 * width, ROTATION_WINDOW)
  end
  return nil, 'none', passed
end

-- Return the JSON of those passed over: ten by name, the others as a count by reason.
local function rotation_passed(passed)
  if #passed == 0 then return '' end
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
  local text = ',"k":[' .. table.concat(named, ',') .. ']'
  if #more == 0 then return text end
  for i, reason in ipairs(more) do more[i] = '"' .. reason .. '":' .. counts[reason] end
  return text .. ',"r":{' .. table.concat(more, ',') .. '}'
end

-- Let the pointer stand at a position; ``text`` is its entry, where that was read already. More
-- fields of the pool, if any change with it, follow.
local function rotation_point(keys, position, size, text, ...)
  text = text or redis.call('HGET', keys.cycle, position % size)
  local entry = text and rotation_entry(text) or {participant = '', occurrence = 1}
  redis.call('HSET', keys.pool, 'position', position % size, 'participant', entry.participant,
    'occurrence', entry.occurrence, ...)
end

local function rotation_next_turn(pool, turn)
  if turn == ROTATION_LAST_TURN then
    redis.call('HSET', pool, 'turn', '1')
  else
    redis.call('HINCRBY', pool, 'turn', 1)
  end
end

-- Let the pointer stand after a position, at what comes there, and number the next turn.
local function rotation_move(keys, pointer, position, after)
  if #pointer.turn > ROTATION_EXACT then
    rotation_point(keys, position + 1, pointer.size, after)
    rotation_next_turn(keys.pool, pointer.turn)
  else
    rotation_point(keys, position + 1, pointer.size, after, 'turn', pointer.turn + 1)
  end
end

-- Return who waits in line before a place and is not back, as the history tells it.
local function rotation_left(left, place)
  local told, more = {}, 0
  for i = 1, place - 1 do
    if left[i] and #told < ROTATION_NAMED then told[#told + 1] = left[i]
    elseif left[i] then more = more + 1 end
  end
  return table.concat(told) .. (more > 0 and '+' .. more or '')
end

-- Return the lines of those who are not away, the positions and the places in line of these; who is
-- away, by place in line; and how many lines there are.
local function rotation_line(keys, limits)
  local all = redis.call('LRANGE', keys.pool .. ':held', 0, -1)
  local lines, positions, places, left = {}, {}, {}, {}
  for i, line in ipairs(all) do
    local position, order = string.match(line, '^(%d+) (%d+) ')
    local away = limits and limits_away(limits, order)
    if away then
      left[i] = order .. ROTATION_LETTERS[away]
    else
      lines[#lines + 1], positions[#positions + 1], places[#places + 1] = line, position, i
    end
  end
  return lines, positions, places, left, #all
end

local function rotation_waiting(keys, limits, credits)
  if not (credits or (limits and limits.hold)) then return nil, nil, '' end
  local lines, positions, places, left, count = rotation_line(keys, limits)
  for first = 1, #lines, ROTATION_WINDOW do
    local last = math.min(first + ROTATION_WINDOW - 1, #lines)
    for i, text in ipairs(redis.call('HMGET', keys.cycle, unpack(positions, first, last))) do
      local entry = text and rotation_entry(text)
      if entry and limits then
        entry.reason = entry.reason or limits_reason(limits, keys.caps, entry)
      end
      if entry and not entry.reason then
        entry.held = true
        return entry, lines[first + i - 1], rotation_left(left, places[first + i - 1])
      end
      if entry then
        left[places[first + i - 1]] = entry.order .. (ROTATION_LETTERS[entry.reason] or 'x')
      end
    end
  end
  return nil, nil, rotation_left(left, count + 1)
end

-- Let everyone passed over keep one turn: they wait in line until they are back.
local function rotation_hold(keys, pointer, passed)
  if #passed == 0 then return end
  local waits = {}
  for _, line in ipairs(redis.call('LRANGE', keys.held, 0, -1)) do
    if not string.find(line, ' credit ', 1, true) then waits[string.match(line, ' (%S+)$')] = true end
  end
  for step, entry in ipairs(passed) do
    local gone = entry.reason == 'weight_zero' or entry.reason == 'turn_taken'
    if not (gone or waits[entry.participant]) then
      waits[entry.participant] = true
      redis.call('RPUSH', keys.held, (pointer.position + step - 1) % pointer.size .. ' ' ..
        entry.order .. ' ' .. entry.participant)
    end
  end
end

-- Take the two oldest rows, from number ``first`` on, out of the history.
local function rotation_trim(keys, first)
  for i, old in ipairs(redis.call('LPOP', keys.history, 2)) do
    local source = string.match(old, '"s":"(%w+)"')
    local rows = keys.history .. ':' .. source
    redis.call('HINCRBY', keys.stats, 'source:' .. source, -1)
    if tonumber(redis.call('LINDEX', rows, 0) or '') == first + i - 1 then redis.call('LPOP', rows) end
  end
end

local function rotation_record(keys, entry, number, turn, passed)
  local occurrence = entry.occurrence > 1 and ',"n":' .. entry.occurrence or ''
  if entry.held then occurrence = occurrence .. ',"h":1' end
  if turn.owner and not turn.charge then occurrence = occurrence .. ',"u":1' end
  if entry.counts then occurrence = occurrence .. ',"i":' .. limits_mask(entry.counts) end
  if turn.left and turn.left ~= '' then occurrence = occurrence .. ',"j":"' .. turn.left .. '"' end
  occurrence = occurrence .. (turn.told or '')
  local length = redis.call('RPUSH', keys.history, '{"t":' .. number .. ',"l":"' .. turn.lead ..
    '","m":"' .. entry.member .. '","o":' .. entry.order .. ',"s":"' .. turn.source ..
    '","a":' .. turn.at .. ',' .. turn.why .. occurrence .. rotation_passed(passed) .. '}')
  local member, source = entry.member, 'source:' .. turn.source
  local counted = redis.call('HMGET', keys.stats, 'total', member, source)
  local row = (counted[1] or 0) + 1
  redis.call('HSET', keys.stats, 'total', row, member, (counted[2] or 0) + 1,
    source, (counted[3] or 0) + 1, 'last', turn.at, member .. ':last', turn.at)
  redis.call('RPUSH', keys.history .. ':' .. turn.source, row)
  if length > turn.limit then
    rotation_trim(keys, row - length + 1)
  end
  if string.sub(number, -4) == '0000' then moves_note(keys.pool, 'mark') end
end

-- Note that those stepped over for it have paid a turn that they took ahead.
local function rotation_paid(keys, passed)
  for _, entry in ipairs(passed) do
    if entry.reason == 'turn_taken' and
      redis.call('HINCRBY', keys.pool .. ':owed', entry.participant, -1) < 1 then
      redis.call('HDEL', keys.pool .. ':owed', entry.participant)
    end
  end
end

-- Let someone take a turn ahead: one that they have left, else one of those to come.
local function rotation_charge(keys, pointer, entry, limits)
  local held = pointer.credits or limits.hold
  for _, line in ipairs(held and redis.call('LRANGE', keys.held, 0, -1) or {}) do
    if string.match(line, ' (%S+)$') == entry.participant then
      redis.call('LREM', keys.held, 1, line)
      return
    end
  end
  local owed = keys.pool .. ':owed'
  if redis.call('HINCRBY', owed, entry.participant, 1) > ROTATION_AHEAD then
    redis.call('HSET', owed, entry.participant, ROTATION_AHEAD)
  end
end

-- Return who is served and, if the pointer moves, what rotation_find tells; or nil and why.
local function rotation_choose(keys, pointer, turn, limits)
  if turn.owner then
    if turn.charge then rotation_charge(keys, pointer, turn.owner, limits) end
    return turn.owner, nil, {}
  end
  local entry, line, left = rotation_waiting(keys, limits, pointer.credits)
  turn.left = left
  if entry then redis.call('LREM', keys.pool .. ':held', 1, line) end
  if pointer.credits and redis.call('EXISTS', keys.pool .. ':held') == 0 then
    redis.call('HDEL', keys.pool, 'credits')
  end
  if entry then return entry, nil, {} end
  return rotation_find(keys, pointer, limits)
end

local function rotation_take(keys, pointer, turn, limits)
  local entry, position, passed, after = rotation_choose(keys, pointer, turn, limits)
  if not entry then return nil, position end
  if position then
    if limits and limits.hold then rotation_hold(keys, pointer, passed) end
    if limits and limits.ahead then rotation_paid(keys, passed) end
    rotation_move(keys, pointer, position, after)
  else
    rotation_next_turn(keys.pool, pointer.turn)
  end
  entry.position = entry.position or position or 0
  entry.turn = pointer.turn
  if entry.counts then limits_reserve(keys.caps, entry.counts) end
  rotation_record(keys, entry, pointer.turn, turn, passed)
  return entry
end
