-- Put a notification about a record into members' inboxes; once, however often it is called.
--
-- KEYS[1]  hash of the record
-- KEYS[2]  hash of the notifications about it: they go with the record when it is erased
-- KEYS[3]  stream that tells of new ones, ids only
-- KEYS[4+2i..5+2i]  of each member: sorted sets of their notifications, and of those not yet read
-- ARGV[1]  id of the notification: what it says stands under it once
-- ARGV[2]  where the record lies: its key without "pm:{<organization>}:"
-- ARGV[3]  JSON of what it says
-- ARGV[4]  now, ms
-- ARGV[5]  how long it is kept, ms
-- ARGV[6]  how many a member keeps, the newest ones
-- ARGV[7]  how many the stream keeps, about
-- ARGV[8]  ids of the members, parted by commas
-- returns  1; 0 if it was told before; -1 if there is no such record: nothing was written
if redis.call('HEXISTS', KEYS[1], 'data') == 0 then return -1 end
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[3]) == 0 then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[5])
local over = tonumber(ARGV[4]) - tonumber(ARGV[5])
for i = 4, #KEYS do
  redis.call('ZADD', KEYS[i], ARGV[4], ARGV[1] .. '/' .. ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', '(' .. string.format('%.0f', over))
  redis.call('ZREMRANGEBYRANK', KEYS[i], 0, -1 - tonumber(ARGV[6]))
  redis.call('PEXPIRE', KEYS[i], ARGV[5])
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[7], '*', 'n', ARGV[1] .. '/' .. ARGV[2] .. ' ' ..
  ARGV[8])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
return 1
