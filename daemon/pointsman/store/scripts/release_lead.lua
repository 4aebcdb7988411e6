-- Take a lead from whoever has it, or note that nobody accepted it in time and leave it there.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  hash of the current generation
-- KEYS[5]  the first answer to this operation
-- ARGV[1]  now, ms
-- ARGV[2]  "<origin of the change> <depth> <lead ttl> <log ttl> <history limit> <request>": the
--          digest of what was asked for stands in the answer
-- ARGV[3]  how: "unassigned" by hand; or when the time to accept is over, "not_accepted" to take it
--          away, "keep" to leave it
-- ARGV[4]  but for "unassigned": when that was, ms; else ""
-- ARGV[5]  "1" to give whoever had it their turn back
-- ARGV[6]  who asks for it, as JSON
-- ARGV[7]  what the lead's log tells of that (see events.lua)
-- returns  {status, generation, answer}: "done" with the JSON of the answer; "unknown" (no such
--          lead), "unowned", or "moot" (the lead is not waiting to be accepted till then), and
--          nothing was written
-- Keys of the pool that the lead comes from are built (owner.lua), and those of sticky.lua.
-- @include turn
-- @include events
-- @include owner
-- @include credit
-- @include once
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local first = once_recall(KEYS[5])
if first then return {'done', generation, first} end

local lead, how, expected = owner_read(KEYS[1]), ARGV[3], ARGV[4]
if not lead then return {'unknown', generation} end
if expected ~= '' and string.match(lead.accept or '', '^%d+') ~= expected then
  return {'moot', generation}
end
if not lead.owner then return {'unowned', generation} end

local origin, depth, ttl, log_ttl, request =
  string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+) %S+ (%S+)$')
local now = clock_now(KEYS[3], ARGV[1])
local credited = ARGV[5] == '1' and lead.assignment
if credited then
  credited = credit_give(lead.prefix, {pool = lead.assignment.pool, turn = lead.assignment.turn,
    member = lead.owner, lead = lead.id}, now, ARGV[6])
end
local types, previous = 'lead_unassigned', '{"owner_id":"' .. lead.owner .. '"}'
if expected ~= '' then types = 'lead_not_accepted,lead_unassigned' end
if how == 'keep' then
  types, previous = 'lead_not_accepted', '{}'
  redis.call('HDEL', lead.key, 'accept')
else
  owner_end(lead, how, now, ARGV[6])
  owner_release(lead, now, ttl)
end
record_change(KEYS[2], KEYS[3], {types = types, module = 'leads', id = lead.id,
  revision = redis.call('HINCRBY', lead.key, 'revision', 1), origin = origin, depth = depth,
  at = now, previous = previous, ttl = log_ttl, told = ARGV[7]})
return {'done', generation, once_keep(KEYS[5], '{"before":"' .. lead.owner .. '","credited":' ..
  tostring(credited and true or false) .. ',"request":"' .. request .. '"}')}
