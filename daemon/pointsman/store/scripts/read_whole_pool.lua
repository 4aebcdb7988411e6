-- Read all of a pool's state but its history, at one moment.
--
-- KEYS[1]  hash of the pool
-- KEYS[2]  its cycle
-- KEYS[3]  its counters
-- KEYS[4]  its history
-- KEYS[5]  use of its caps
-- KEYS[6]  turns held
-- KEYS[7]  turns owed
-- KEYS[8]  what moved the pointer beside turns
-- KEYS[9]  the lists of people
-- KEYS[10] its line
-- returns  {pool, cycle, counters, caps, owed, people (each: field, value..), held, moves, length of
--          the history, how many wait in line}
return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[3]), redis.call('HGETALL', KEYS[5]), redis.call('HGETALL', KEYS[7]),
  redis.call('HGETALL', KEYS[9]), redis.call('LRANGE', KEYS[6], 0, -1),
  redis.call('LRANGE', KEYS[8], 0, -1), redis.call('LLEN', KEYS[4]),
  redis.call('ZCARD', KEYS[10])}
