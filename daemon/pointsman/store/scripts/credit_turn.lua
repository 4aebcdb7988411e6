-- Give the turn of an assignment back to whoever took it, once, whoever has the lead now.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  hash of the current generation
-- ARGV[1]  now, ms
-- ARGV[2]  "<origin of the change> <depth> <lead ttl> <log ttl> .."
-- ARGV[3]  "<pool> <turn> <member>": the assignment
-- ARGV[4]  who asks for it, as JSON
-- ARGV[5]  what the lead's log tells of that (see events.lua)
-- returns  {status, generation, answer}: "done" with the JSON of the answer, now or by an earlier
--          call; "forgotten", "stranger" or "outside" (see credit.lua), and nothing was written
-- Keys of the pool are built (credit.lua).
-- @include turn
-- @include events
-- @include owner
-- @include credit
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local origin, depth, _, log_ttl = string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+)')
local pool, turn, member = string.match(ARGV[3], '^(%S+) (%S+) (%S+)$')
local now = clock_now(KEYS[3], ARGV[1])
local given, missing = credit_give(string.match(KEYS[1], '^(.*)lead:'),
  {pool = pool, turn = turn, member = member, lead = string.sub(KEYS[1], -24)}, now, ARGV[4])
if not given then return {missing, generation} end
-- Of a lead that was erased or is forgotten there is no log to write.
local lead = not given.again and owner_read(KEYS[1])
if lead then
  record_change(KEYS[2], KEYS[3], {types = 'lead_turn_credited', module = 'leads', id = lead.id,
    revision = redis.call('HINCRBY', lead.key, 'revision', 1), origin = origin, depth = depth,
    at = now, previous = '{}', ttl = log_ttl, told = ARGV[5]})
end
return {'done', generation, '{"at":' .. given.at .. ',"turn":' .. given.turn .. ',"caps":' ..
  given.caps .. ',"again":' .. tostring(given.again) .. '}'}
