-- Take a lead in that has an owner already, and so takes no turn.
--
-- KEYS[1..4], KEYS[#], ARGV[1..7]   as in take_lead.lua, without a pool
-- ARGV[8]  its owner
-- returns  as in take_lead.lua: "taken", "replayed" or "conflict"
-- Beside the stream, "clock" and "index:leads" are built (clock.lua, listed.lua).
-- @include events
-- @include listed
-- @include taking
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local lead = taking_read()
local status, answer = taking_before(lead)
if status then return {status, generation, answer} end

lead.now = clock_now(KEYS[3], ARGV[1])
answer = '{"lead":"' .. lead.id .. '"}'
taking_keep(lead, answer, ARGV[8])
return {'taken', generation, answer}
