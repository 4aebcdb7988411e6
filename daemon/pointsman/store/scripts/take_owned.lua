-- Take a lead in that has an owner already, and so takes no turn.
--
-- KEYS[1..4], KEYS[#], ARGV[1..7]   as in take_lead.lua, without a pool
-- ARGV[8]  its owner
-- returns  as in take_lead.lua: "taken", "replayed" or "conflict"
-- Beside the stream, "clock" and "index:leads" are built (clock.lua, listed.lua).
-- @include events
-- @include listed
-- @include taking
return taking_alone(nil, nil, ARGV[8])
