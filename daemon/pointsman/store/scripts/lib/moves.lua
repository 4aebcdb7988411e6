-- What moved a pool's pointer or its lines beside turns: with it the sequence of turns can be proven.
--
-- moves_people(pool, entries, weights, flags)   the list of people is this from now on
--   entries   the cycle, as rotation_entry reads them; weights: array by order, or nil
--   flags     text of letters: "h" turns are held, "a" turns can be taken ahead, "r" a change of the
--             people resets the pointer
-- moves_note(pool, what, more)   note that something has moved, after it has
--   what      "created", "kept", "moved", "reset" or "restored" by a publication; "point" to somebody
--             or "first" to the first, by hand; "credit": a turn was given back; "import"; "mark":
--             nothing has, but the state is worth noting
--   more      the inside of a JSON object, with its leading comma; or nil
--
-- Keys are built from that of the pool, whose field "people" is "<digest> <flags>":
-- moves    list of {"t": number of the next turn, "a": ms by Redis' clock, "e": what, "p": position
--          of the pointer, "c": digest of the people, "f": flags, "h": lines of turns held, 0 if they
--          are more than MOVES_LINES, "o": turns owed by participant, <more>}, the last MOVES_MOST
-- people   hash: digest -> [[participant,member,weight,state]..] by order; state as in the cycle.
--          Lists that no move names any more go; never more than MOVES_PEOPLE people in all, or
--          MOVES_LISTS lists

local MOVES_MOST = 2000
local MOVES_LINES = 50
local MOVES_PEOPLE = 100000
local MOVES_LISTS = 20
local MOVES_STATES = {inactive = '0', weight_zero = '2'}

local function moves_list(entries, weights)
  local people, places = {}, {}
  for _, entry in ipairs(entries) do
    local order = tonumber(entry.order)
    if not people[order] then
      people[order] = {entry, 0}
      places[#places + 1] = order
    end
    people[order][2] = people[order][2] + (entry.reason == 'weight_zero' and 0 or 1)
  end
  table.sort(places)
  for i, order in ipairs(places) do
    local entry, count = people[order][1], people[order][2]
    places[i] = '["' .. entry.participant .. '","' .. entry.member .. '",' ..
      (weights and weights[order] or count) .. ',' .. (MOVES_STATES[entry.reason] or '1') .. ']'
  end
  return '[' .. table.concat(places, ',') .. ']', #places
end

-- Forget the lists of people that no move names, and the oldest of those that are too many.
local function moves_forget(pool, size)
  local most = math.max(MOVES_LISTS, math.floor(MOVES_PEOPLE / math.max(size, 1)))
  if redis.call('HLEN', pool .. ':people') <= most then return end
  local kept, number = {}, 0
  local moves = redis.call('LRANGE', pool .. ':moves', 0, -1)
  for i = #moves, 1, -1 do
    local digest = string.match(moves[i], '"c":"(%x+)"')
    if digest and not kept[digest] and number < most - 1 then kept[digest], number = true, number + 1 end
  end
  for _, digest in ipairs(redis.call('HKEYS', pool .. ':people')) do
    if not kept[digest] then redis.call('HDEL', pool .. ':people', digest) end
  end
end

local function moves_people(pool, entries, weights, flags)
  local text, size = moves_list(entries, weights)
  local digest = string.sub(redis.sha1hex(text), 1, 16)
  if redis.call('HEXISTS', pool .. ':people', digest) == 0 then
    moves_forget(pool, size)
    redis.call('HSET', pool .. ':people', digest, text)
  end
  redis.call('HSET', pool, 'people', digest .. ' ' .. flags)
end

-- Return the lines of a pool as the inside of a JSON object.
local function moves_lines(pool)
  local held, owed = redis.call('LRANGE', pool .. ':held', 0, MOVES_LINES), {}
  local flat = redis.call('HGETALL', pool .. ':owed')
  for i = 1, #flat, 2 do owed[#owed + 1] = '"' .. flat[i] .. '":' .. flat[i + 1] end
  local text = ''
  if #held > MOVES_LINES then
    text = ',"h":0'
  elseif #held > 0 then
    text = ',"h":["' .. table.concat(held, '","') .. '"]'
  end
  return text .. (#owed > 0 and ',"o":{' .. table.concat(owed, ',') .. '}' or '')
end

local function moves_note(pool, what, more)
  local kept = redis.call('HMGET', pool, 'turn', 'position', 'people')
  if not (kept[1] and kept[3]) then return end
  local digest, flags = string.match(kept[3], '^(%x+) (%l*)$')
  local time = redis.call('TIME')
  local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('RPUSH', pool .. ':moves', '{"t":' .. kept[1] .. ',"a":' .. at .. ',"e":"' .. what ..
    '","p":' .. (kept[2] or '0') .. ',"c":"' .. digest .. '","f":"' .. flags .. '"' ..
    moves_lines(pool) .. (more or '') .. '}')
  redis.call('LTRIM', pool .. ':moves', -MOVES_MOST, -1)
end
