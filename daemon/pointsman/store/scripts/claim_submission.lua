-- Take over a lead whose daemon has not renewed its lease.
--
-- KEYS[1]  hash of the lead; "<lead>:submission" is built (see flight.lua)
-- KEYS[2]  the organization's event stream; its outbox is built (see flight.lua)
-- ARGV[1]  now, ms
-- ARGV[2]  the caller's token
-- ARGV[3]  end of the lease if it becomes the caller's, ms
-- returns  the fields of its hash {name, value, ...}; or false if the lead has arrived or is led by
--          another: then a timer is set for the end of that lease
-- @include timers
-- @include flight
local key = KEYS[1] .. ':submission'
local held = redis.call('HMGET', key, 'lease', 'token')
if not held[1] then return false end
if held[2] ~= ARGV[2] then
  if tonumber(held[1]) > tonumber(ARGV[1]) then
    flight_timer(KEYS[2], KEYS[1], tonumber(held[1]))
    return false
  end
  redis.call('HSET', key, 'token', ARGV[2], 'lease', ARGV[3])
  flight_timer(KEYS[2], KEYS[1], tonumber(ARGV[3]))
end
return redis.call('HGETALL', key)
