-- Count a call against a limit of so many in a span that slides: exact, over any number of daemons.
--
-- KEYS[1]  sorted set: operation -> when it was counted, ms; those of the last span
-- ARGV[1]  operation id: a call is counted once, however often this is sent
-- ARGV[2]  now, ms
-- ARGV[3]  how many calls a span may have
-- ARGV[4]  span, ms
-- returns  {1 if the call may be made, else 0; how many more may be made now; ms until another may}
local now, limit, span = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - span)
local counted = redis.call('ZCARD', KEYS[1])
local allowed = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
if allowed == 0 and counted < limit then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[1], span)
  allowed, counted = 1, counted + 1
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return {allowed, math.max(limit - counted, 0), math.max(tonumber(oldest or now) + span - now, 0)}
