-- Note what came of an attempt at one of Meta's leads.
--
-- KEYS[1]  hash of the lead at Meta (see accept_leadgens.lua)
-- KEYS[2]  the organization's outbox
-- KEYS[3]  sorted set of those that were given up
-- ARGV[1]  its id at Meta
-- ARGV[2]  the attempt that this is about; what came of it is noted once
-- ARGV[3]  "taken", "failed", or "waiting": to be tried again
-- ARGV[4]  why, or ""
-- ARGV[5]  now, or when it is tried again, ms
-- ARGV[6]  how long those that were given up are known, ms
-- ARGV[7]  how many of them are
-- returns  1 if it was noted, 0 if that attempt is over
-- @include timers
local kept = redis.call('HMGET', KEYS[1], 'state', 'attempt')
if kept[2] ~= ARGV[2] or (kept[1] ~= 'waiting' and kept[1] ~= 'known') then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'error', ARGV[4])
if ARGV[3] == 'waiting' then
  redis.call('HSET', KEYS[1], 'attempt', ARGV[2] + 1, 'due', ARGV[5])
  timer_set(KEYS[2], 'meta', ARGV[1], ARGV[5])
elseif ARGV[3] == 'failed' then
  redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[7])
  redis.call('PEXPIRE', KEYS[3], ARGV[6])
end
return 1
