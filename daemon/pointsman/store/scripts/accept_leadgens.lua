-- Note leads that Meta tells of: each gets one lead id, however often it is told.
--
-- KEYS[1]  the organization's outbox
-- KEYS[2]  sorted set: id at Meta -> when it was given up, ms
-- KEYS[3..]  hash of one of Meta's leads
-- ARGV[1]  now, ms
-- ARGV[2]  how long they are known, ms
-- ARGV[3+3i..5+3i]  of KEYS[3+i]: its id at Meta; the lead id that it gets if it is new; JSON of its
--          origin if it has to be read from Meta, else ""
-- returns  of each its lead id, and 1 if it was taken before, else 0
--
-- hash: lead; state: "known" (what it says came with it), "waiting" (to be read, by the timer "meta"
-- at due), "taken" or "failed"; attempt, from 1, 0 while known; due (ms); origin; error
-- One that failed waits anew when it is told again.
-- @include timers
local answer = {}
for i = 3, #KEYS do
  local arg = 3 * i - 6
  local id, new, origin = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local kept = redis.call('HMGET', KEYS[i], 'lead', 'state')
  if not kept[1] then
    redis.call('HSET', KEYS[i], 'lead', new, 'state', 'known', 'attempt', 0)
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
  end
  if origin ~= '' and (not kept[1] or kept[2] == 'failed') then
    redis.call('HSET', KEYS[i], 'state', 'waiting', 'attempt', 1, 'due', ARGV[1], 'origin', origin,
      'error', '')
    redis.call('ZREM', KEYS[2], id)
    timer_set(KEYS[1], 'meta', id, ARGV[1])
  end
  answer[#answer + 1] = kept[1] or new
  answer[#answer + 1] = kept[2] == 'taken' and 1 or 0
end
return answer
