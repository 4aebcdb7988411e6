-- Take a lead of a flow in: as take_lead.lua, and count it, claim what it is the first of, and tell
-- of its way; all or nothing.
--
-- KEYS[..]  as in take_lead.lua
-- ARGV[1..7]  as in take_lead.lua
-- ARGV[8]  JSON that its answer tells beside the assignment
-- ARGV[9]  the flow's caps that count it (see caps.lua), or ""
-- ARGV[10] "take" a place in each; "check" that there is one; "refuse": the only one has none; or
--          "<token> <lease> <till>" of a lead that sets out to recipients (see flight.lua)
-- ARGV[11] what it claims to be the first of (see lists.lua), taken with its places under caps
-- ARGV[12] what else is supposed to be in no list (see lists.lua)
-- ARGV[13..] its events (see story.lua); of a lead that sets out, its state instead
-- returns  as take_lead.lua; or "listed" with what lists_known tells of the claims and the others,
--          "capped" with the id of a cap that is full; nothing was written then
-- Keys of the same organization are built as there, and those of caps, lists, flight, story
-- and outcomes.
-- @include turn
-- @include plain
-- @include events
-- @include listed
-- @include taking
-- @include story
-- @include caps
-- @include lists
-- @include timers
-- @include outcomes
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local lead = taking_read()
local status, answer, owner = taking_before(lead)
if status then return {status, generation, answer} end

lead.now = clock_now(KEYS[3], ARGV[1])
local now, refused = tonumber(lead.now), ARGV[10] == 'refuse'
local caps = ARGV[9] ~= '' and caps_specs(ARGV[9])
local claims, others = lists_specs(ARGV[11]), lists_specs(ARGV[12])
local listed = lists_known(KEYS[3], now, claims, others)
if listed then return {'listed', generation, listed} end
local places, full
if caps and not refused then
  places, full = caps_ask(KEYS[3], caps, now)
  if full then return {'capped', generation, full} end
end
local read, try = plain_read, plain_try
if string.find(ARGV[5], '\n', 1, true) then
  -- @include assignment
  read, try = assignment_read, assignment_try
end
status, answer, owner = taking_turn(lead, read, try)
if not answer then return {status, generation} end

local token, lease, till = string.match(ARGV[10], '^(%S+) (%d+) (%d+)$')
if places and ARGV[10] == 'take' then caps_enter(places, caps, lead.id, now) end
if caps and refused then caps_refuse(KEYS[3], caps, caps[1].id, now) end
for _, claim in ipairs(claims) do
  if token then lists_claim(KEYS[3], claim, now, tonumber(till)) end
  if ARGV[10] == 'take' then lists_add(KEYS[3], claim, now) end
end
if token then
  if places then caps_enter(places, caps, lead.id, now, tonumber(till)) end
  -- @include flight
  flight_begin(KEYS[3], lead.key, {token = token, lease = lease, till = tonumber(till),
    state = ARGV[13], idempotency = lead.idempotency or ''})
else
  local texts = {}
  for i = 13, #ARGV do texts[#texts + 1] = ARGV[i] end
  story_tell(KEYS[3], lead.key,
    {id = lead.id, at = lead.now, ttl = lead.log_ttl, texts = texts, answer = answer})
end
answer = string.sub(answer, 1, -2) .. ',"told":' .. ARGV[8] .. '}'
taking_keep(lead, answer, owner)
if not token then
  local prefix = string.sub(KEYS[3], 1, -7)
  outcomes_submission(prefix, lead.id, ARGV[8], ARGV[13], lead.now)
end
return {'taken', generation, answer}
