-- Say who is next in a pool: a participant, or the first.
--
-- KEYS[1]  hash of the pool
-- KEYS[2]  its cycle
-- KEYS[3]  turns held: given up, or others would come first; nor does the participant owe any more
--          (KEYS[1] .. ":owed", built here); with the first, nobody does
-- KEYS[4]  the first answer to this operation
-- ARGV[1]  participant id, or "" for the first
-- ARGV[2]  who says so, as JSON
-- returns  1, or 0 if the participant is not in the cycle, or the pool not there
-- @include turn
-- @include once
local first = once_recall(KEYS[4])
if first then return first[1] end
local there = redis.call('HMGET', KEYS[1], 'size', 'gone')
if not there[1] or there[2] then return 0 end

local function point(position, what)
  redis.call('DEL', KEYS[3])
  rotation_point({pool = KEYS[1], cycle = KEYS[2]}, position, math.max(tonumber(there[1]), 1))
  moves_note(KEYS[1], what, ',"i":"' .. ARGV[1] .. '","by":' .. ARGV[2])
  return once_keep(KEYS[4], {1})[1]
end

if ARGV[1] == '' then
  redis.call('DEL', KEYS[1] .. ':owed')
  return point(0, 'first')
end
for position = 0, tonumber(there[1]) - 1 do
  local entry = redis.call('HGET', KEYS[2], position)
  if entry and rotation_entry(entry).participant == ARGV[1] then
    redis.call('HDEL', KEYS[1] .. ':owed', ARGV[1])
    return point(position, 'point')
  end
end
return 0
