-- Give what a caller calls a record an id, the same at every call.
--
-- KEYS[1]  string: "<id> <digest of what came with it>"
-- ARGV[1]  id for a record that is new
-- ARGV[2]  digest of what comes with it, or "-" if that may be another each time
-- ARGV[3]  how long the name is kept from now, ms
-- returns  {id, digest of what came first}; sent again, it is the same
local kept = redis.call('GET', KEYS[1])
if not kept then
  kept = ARGV[1] .. ' ' .. ARGV[2]
  redis.call('SET', KEYS[1], kept)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {string.match(kept, '^(%S+) (%S+)$')}
