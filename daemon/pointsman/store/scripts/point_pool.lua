-- Say who is next in a pool.
--
-- KEYS[1]  hash of the pool
-- KEYS[2]  its cycle
-- KEYS[3]  turns held: given up, or others would come first
-- ARGV[1]  participant id
-- returns  1, or 0 if the participant is not in the cycle; doing it again changes nothing
-- @include turn
local size = tonumber(redis.call('HGET', KEYS[1], 'size') or '0')
for position = 0, size - 1 do
  local entry = redis.call('HGET', KEYS[2], position)
  if entry and rotation_entry(entry).participant == ARGV[1] then
    redis.call('DEL', KEYS[3])
    rotation_point({pool = KEYS[1], cycle = KEYS[2]}, position, size)
    return 1
  end
end
return 0
