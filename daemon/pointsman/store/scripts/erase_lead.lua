-- Erase what is known of a person: a lead, its changes, its runs. Turns and counts stay true.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  set of the lead's run ids (their hashes are built here: KEYS[1] .. ":run:" .. id)
-- ARGV[1]  now, ms
-- ARGV[2]  how long the tombstone is kept, ms
-- returns  1 if there is a tombstone now, of this or an earlier call; 0 if there is no such lead
local there = redis.call('HMGET', KEYS[1], 'data', 'erased')
if there[2] then return 1 end
if not there[1] then return 0 end

for _, run in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  redis.call('UNLINK', KEYS[1] .. ':run:' .. run)
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'v', 1, 'erased', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
