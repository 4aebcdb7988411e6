-- Let a lead arrive: its events, its answer, its places under caps; all or nothing.
--
-- KEYS[1]  hash of the lead; "<lead>:submission" is built (see flight.lua)
-- KEYS[2]  the organization's event stream; keys are built beside it (see caps.lua, story.lua,
--          outcomes.lua)
-- ARGV[1]  the caller's token
-- ARGV[2]  now, ms
-- ARGV[3]  how long events are kept, ms
-- ARGV[4]  JSON of what its sender is told
-- ARGV[5]  the flow's caps that it holds places in (see caps.lua)
-- ARGV[6]  "keep" them or "leave" them
-- ARGV[7]  what it claims to be the first of (see lists.lua), kept or left with them
-- ARGV[8]  deliveries to be tried again, parted by line breaks: "<number> <due, ms> <JSON>" (see
--          errands.lua); how the lead began is kept for them
-- ARGV[9..] its events (see story.lua)
-- returns  JSON of its answer; or false if another daemon has taken the lead over, or it arrived
-- @include caps
-- @include lists
-- @include story
-- @include timers
-- @include flight
-- @include errands
-- @include outcomes
if not flight_held(KEYS[1], ARGV[1]) then return false end
local id, now = string.sub(KEYS[1], -24), tonumber(ARGV[2])
local texts = {}
for i = 9, #ARGV do texts[#texts + 1] = ARGV[i] end
story_tell(KEYS[2], KEYS[1], {id = id, at = ARGV[2], ttl = tonumber(ARGV[3]), texts = texts, answer = ''})

caps_settle(KEYS[2], caps_specs(ARGV[5]), id, now, ARGV[6])

for _, claim in ipairs(lists_specs(ARGV[7])) do
  lists_leave(KEYS[2], claim)
  if ARGV[6] == 'keep' then lists_add(KEYS[2], claim, now) end
end

local lead = redis.call('HMGET', KEYS[1], 'answer', 'assignment')
local answer = lead[2] and lead[2] ~= '' and lead[2] or '{"lead":"' .. id .. '"}'
answer = string.sub(answer, 1, -2) .. ',"told":' .. ARGV[4] .. '}'
if lead[1] then redis.call('HSET', KEYS[1], 'answer', answer) end
local idempotency = redis.call('HGET', KEYS[1] .. ':submission', 'idempotency')
if idempotency ~= '' and redis.call('EXISTS', idempotency) == 1 then
  redis.call('HSET', idempotency, 'answer', answer)
end
if lead[1] and ARGV[8] ~= '' then
  errands_begin(KEYS[2], KEYS[1], {ttl = tonumber(ARGV[3]), text = ARGV[8]})
else
  redis.call('UNLINK', KEYS[1] .. ':submission')
end
outcomes_submission(string.sub(KEYS[2], 1, -7), id, ARGV[4], ARGV[9], ARGV[2])
return answer
