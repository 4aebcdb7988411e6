-- Take a run to do its current step; results of any earlier claim will be refused.
--
-- KEYS[1]  hash of the run
-- KEYS[2]  sorted set of the runs that go on where events are read, by the end of their lease, ms
-- ARGV[1]  ticket: "here" for who reads the events, else "<step>:<attempt>" of the job
-- ARGV[2]  member of the run in the sorted set
-- ARGV[3]  now, ms
-- ARGV[4]  end of the new lease, ms; used with "here" only
-- returns  the run's fields {name, value, ...}; or false if it is gone, finished, another's, or
--          still leased to a reader of events
--
-- A run belongs to one ticket at a time, so a job that comes late or twice gets nothing. Sent
-- again, this gives a newer token; the one of the lost answer is used by nobody.
if redis.call('HGET', KEYS[1], 'ticket') ~= ARGV[1] then
  if ARGV[1] == 'here' then redis.call('ZREM', KEYS[2], ARGV[2]) end
  return false
end
if ARGV[1] == 'here' then
  local leased = redis.call('ZSCORE', KEYS[2], ARGV[2])
  if leased and tonumber(leased) > tonumber(ARGV[3]) then return false end
  redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2])
end
redis.call('HINCRBY', KEYS[1], 'token', 1)
if redis.call('HGET', KEYS[1], 'status') == 'running' then
  redis.call('HINCRBY', KEYS[1], 'interrupted', 1)
end
redis.call('HSET', KEYS[1], 'status', 'running', 'updated', ARGV[3])
return redis.call('HGETALL', KEYS[1])
