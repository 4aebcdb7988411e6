-- Give what a caller calls a record an id, the same at every call until that record is deleted.
--
-- KEYS[1]  string: "<id> <digest of what came with it>"
-- ARGV[1]  id for a record that is new
-- ARGV[2]  digest of what comes with it, or "-" if that may be another each time
-- ARGV[3]  how long the name is kept from now, ms
-- ARGV[4]  what the keys of such records begin with, before the id (they are built); "" if the name
--          outlives its record
-- returns  {id, digest of what came first, "erased" if that record was, else ""}; sent again, it is
--          the same
local kept, ended = redis.call('GET', KEYS[1]), {}
if kept and ARGV[4] ~= '' then
  ended = redis.call('HMGET', ARGV[4] .. string.match(kept, '^%S+'), 'deleted', 'erased')
end
if not kept or ended[1] then
  kept = ARGV[1] .. ' ' .. ARGV[2]
  redis.call('SET', KEYS[1], kept)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local id, digest = string.match(kept, '^(%S+) (%S+)$')
return {id, digest, ended[2] and 'erased' or ''}
