-- Dead letters: steps that failed for good and that nobody has looked after yet.
--
-- dead_add(key, id, now, kept)   note a step; forget those whose run is kept no longer
--   key   sorted set: "<run>:<step, from 1>" by when it failed, ms; ids only, the run has the rest
--
-- At most the newest 100,000, as long as runs are kept.

local DEAD_KEPT = 100000

local function dead_add(key, id, now, kept)
  redis.call('ZADD', key, now, id)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', tonumber(now) - tonumber(kept))
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - DEAD_KEPT)
  redis.call('PEXPIRE', key, kept)
end
