-- Read on in the events of an organization's flows, for its firehose.
--
-- KEYS[1]  the organization's event stream; the clock beside it is built (see clock.lua)
-- KEYS[2]  sorted set of the ids of events by time
-- KEYS[3]  hash "at": the time, ms, up to which everything was written
-- KEYS[4]  string: who may write
-- ARGV[1]  the caller's "<token> <holder>"
-- ARGV[2]  now, ms
-- ARGV[3]  most events; all of one millisecond come together, however many they are
-- ARGV[4]  how long the place is kept, ms
-- ARGV[5]  where a new firehose begins, ms
-- returns  {at, waiting, oldest, id ...}: what to settle once these are written, how many wait, and
--          since when the first does (ms, 0: none); or false if the right was lost
--
-- Only times that are over are read: nothing can be added to them. Where Redis' clock was
-- set back, a minute is read again.
-- @include clock
if redis.call('GET', KEYS[4]) ~= ARGV[1] then return false end
local now, most = tonumber(clock_now(KEYS[1], ARGV[2])), tonumber(ARGV[3])
local at = tonumber(redis.call('HGET', KEYS[3], 'at') or math.min(now, tonumber(ARGV[5])) - 1)
if at >= now then at = now - 60000 end
redis.call('HSET', KEYS[3], 'at', at)
redis.call('PEXPIRE', KEYS[3], ARGV[4])

local from, till = '(' .. string.format('%.0f', at), '(' .. string.format('%.0f', now)
local found = redis.call('ZRANGEBYSCORE', KEYS[2], from, till, 'WITHSCORES', 'LIMIT', 0, most + 1)
if #found == 0 then return {at, 0, 0} end
local oldest, last = found[2], found[#found]
if #found > 2 * most then
  while #found > 0 and found[#found] == last do
    found[#found], found[#found - 1] = nil, nil
  end
  if #found == 0 then
    found = redis.call('ZRANGEBYSCORE', KEYS[2], last, last, 'WITHSCORES')
  end
  last = found[#found]
end
local told = {tonumber(last), redis.call('ZCOUNT', KEYS[2], from, till), tonumber(oldest)}
for i = 1, #found, 2 do told[#told + 1] = found[i] end
return told
