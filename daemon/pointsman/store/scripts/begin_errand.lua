-- Begin an attempt at a delivery that the caller has claimed: its event, its places under caps.
--
-- KEYS[1]  hash of the lead; "<lead>:errands" and "<lead>:events" are built
-- KEYS[2]  the organization's event stream; keys are built beside it (see caps.lua, story.lua)
-- ARGV[1]  number of its step
-- ARGV[2]  now, ms
-- ARGV[3]  the caller's token
-- ARGV[4]  end of the lease, ms
-- ARGV[5]  how long events are kept, ms
-- ARGV[6]  the step's caps (see caps.lua), held as "<lead>:<number>"
-- ARGV[7]  when a held place is lost, ms
-- ARGV[8]  the event (see story.lua)
-- returns  1; the id of a cap that is full; 0 if the delivery is not the caller's: nothing was written
-- @include timers
-- @include errands
-- @include caps
-- @include story
local number, now = ARGV[1], tonumber(ARGV[2])
if not errands_held(KEYS[1], number, ARGV[3]) then return 0 end
local key, id = KEYS[1] .. ':errands', string.sub(KEYS[1], -24)
if redis.call('HGET', key, 's' .. number) == ARGV[3] then return 1 end
local member = id .. ':' .. number
local full = caps_settle(KEYS[2], caps_specs(ARGV[6]), member, now, 'hold', tonumber(ARGV[7]))
if full then return full end
redis.call('HSET', key, 's' .. number, ARGV[3], 'l' .. number, ARGV[4])
errands_due(KEYS[2], KEYS[1], number, ARGV[4])
story_more(KEYS[2], KEYS[1], {id = id, at = ARGV[2], ttl = tonumber(ARGV[5]), texts = {ARGV[8]}})
return 1
