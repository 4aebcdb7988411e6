-- Take over a delivery that is due to be tried again.
--
-- KEYS[1]  hash of the lead; "<lead>:errands" is built (see errands.lua)
-- KEYS[2]  the organization's event stream; its outbox is built
-- ARGV[1]  number of its step
-- ARGV[2]  now, ms
-- ARGV[3]  the caller's token
-- ARGV[4]  end of the lease if it becomes the caller's, ms
-- returns  the fields of the hash {name, value, ...}; or false if it is not due, settled, or led by
--          another: then a timer is set for the end of that lease
-- @include timers
-- @include errands
local key, number, now = KEYS[1] .. ':errands', ARGV[1], tonumber(ARGV[2])
local held = redis.call('HMGET', key, 'd' .. number, 't' .. number, 'l' .. number)
if not held[1] or tonumber(held[1]) > now then return false end
if held[2] ~= ARGV[3] then
  if held[2] and tonumber(held[3]) > now then
    errands_due(KEYS[2], KEYS[1], number, held[3])
    return false
  end
  redis.call('HSET', key, 't' .. number, ARGV[3], 'l' .. number, ARGV[4])
  errands_due(KEYS[2], KEYS[1], number, ARGV[4])
end
return redis.call('HGETALL', key)
