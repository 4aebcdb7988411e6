-- Try a delivery that failed for good again, or forget it.
--
-- KEYS[1]  hash of the lead; "<lead>:errands" is built (see errands.lua)
-- KEYS[2]  the organization's event stream; its outbox is built
-- KEYS[3]  sorted set of dead letters
-- ARGV[1]  number of its step
-- ARGV[2]  now, ms: when it is due; "" to forget it
-- ARGV[3]  JSON of what is told of it from now on
-- returns  1; 0 if there is no such dead letter: sent again, nothing happens
-- @include timers
-- @include errands
local id = string.sub(KEYS[1], -24) .. string.format('%02x', ARGV[1])
if redis.call('ZREM', KEYS[3], id) == 0 then return 0 end
local key = KEYS[1] .. ':errands'
if ARGV[2] == '' then
  errands_end(KEYS[1], ARGV[1])
elseif redis.call('HEXISTS', key, 'e' .. ARGV[1]) == 1 then
  redis.call('HSET', key, 'e' .. ARGV[1], ARGV[3], 'd' .. ARGV[1], ARGV[2])
  errands_due(KEYS[2], KEYS[1], ARGV[1], ARGV[2])
end
return 1
