-- Note up to when an organization's firehose has everything.
--
-- KEYS[1]  hash "at" (see follow_flows.lua)
-- KEYS[2]  string: who may write
-- ARGV[1]  the caller's "<token> <holder>"
-- ARGV[2]  the time, ms
-- ARGV[3]  how long the place is kept, ms
-- returns  1; 0 if the right was lost: nothing was noted
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'at', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
