-- Begin a step of a lead on its way, or store what came of it, before the next one begins.
--
-- KEYS[1]  hash of the lead; "<lead>:submission" is built (see flight.lua)
-- KEYS[2]  the organization's event stream; keys of caps are built beside it (see caps.lua)
-- ARGV[1]  the caller's token
-- ARGV[2]  number of the step or bid in its flow
-- ARGV[3]  JSON of the result; "" before a step is begun: only the lease is renewed
-- ARGV[4]  end of the lease, ms
-- ARGV[5]  now, ms
-- ARGV[6]  the step's caps (see caps.lua), where the lead holds a place as "<lead>:<number>"
-- ARGV[7]  "hold" a place in each; "keep" or "leave" those that are held
-- ARGV[8]  when a held place is lost, ms
-- returns  1; the id of a cap that is full; 0 if another daemon has taken the lead over, or it has
--          arrived: nothing was written
-- @include timers
-- @include flight
-- @include caps
if not flight_held(KEYS[1], ARGV[1]) then return 0 end
local key, now = KEYS[1] .. ':submission', tonumber(ARGV[5])
if ARGV[3] ~= '' and redis.call('HSETNX', key, 'r' .. ARGV[2], ARGV[3]) == 0 then return 1 end
local member, caps = string.sub(KEYS[1], -24) .. ':' .. ARGV[2], caps_specs(ARGV[6])
local full = caps_settle(KEYS[2], caps, member, now, ARGV[7], tonumber(ARGV[8]))
if full then return full end
redis.call('HSET', key, 'lease', ARGV[4])
return 1
