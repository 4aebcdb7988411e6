-- Store what came of an attempt at a delivery, and when it is tried again.
--
-- KEYS[1]  hash of the lead; "<lead>:errands" and "<lead>:events" are built
-- KEYS[2]  the organization's event stream; keys are built beside it (see caps.lua, story.lua)
-- KEYS[3]  sorted set of dead letters
-- ARGV[1]  number of its step
-- ARGV[2]  now, ms
-- ARGV[3]  the caller's token
-- ARGV[4]  how long events are kept, ms
-- ARGV[5]  the step's caps (see caps.lua), held as "<lead>:<number>"
-- ARGV[6]  "keep" or "leave" them
-- ARGV[7]  when it is tried again, ms; "dead": it failed for good; "": it is done
-- ARGV[8]  JSON of what is told of it from now on
-- ARGV[9]  the event (see story.lua)
-- returns  1; 0 if the delivery is not the caller's: nothing was written
-- @include timers
-- @include errands
-- @include caps
-- @include story
-- @include dead
local number, now = ARGV[1], tonumber(ARGV[2])
if not errands_held(KEYS[1], number, ARGV[3]) then return 0 end
local key, id = KEYS[1] .. ':errands', string.sub(KEYS[1], -24)
caps_settle(KEYS[2], caps_specs(ARGV[5]), id .. ':' .. number, now, ARGV[6])
story_more(KEYS[2], KEYS[1], {id = id, at = ARGV[2], ttl = tonumber(ARGV[4]), texts = {ARGV[9]}})
redis.call('HDEL', key, 'd' .. number, 't' .. number, 'l' .. number, 's' .. number)
if ARGV[7] == '' then
  errands_end(KEYS[1], number)
  return 1
end
redis.call('HSET', key, 'e' .. number, ARGV[8])
redis.call('PEXPIRE', key, ARGV[4])
if ARGV[7] == 'dead' then
  dead_add(KEYS[3], id .. string.format('%02x', number), now, ARGV[4])
else
  redis.call('HSET', key, 'd' .. number, ARGV[7])
  errands_due(KEYS[2], KEYS[1], number, ARGV[7])
end
return 1
