-- Acknowledge events that start no run, if they were judged by the rules that hold now.
--
-- KEYS[1]  the organization's event stream
-- KEYS[2]  string: who may read
-- KEYS[3]  hash of the current generation
-- ARGV[1]  group
-- ARGV[2]  the caller's "<token> <holder>"
-- ARGV[3]  number of the generation that the caller judged by
-- ARGV[i]  ids of entries
-- returns  {status, generation}: "done"; "stale" (judge again by this generation) or "lost" (the
--          caller may not read any more), and nothing was acknowledged
local generation = tonumber(redis.call('HGET', KEYS[3], 'number') or 0)
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'lost', generation} end
if generation > tonumber(ARGV[3]) then return {'stale', generation} end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 4))
return {'done', generation}
