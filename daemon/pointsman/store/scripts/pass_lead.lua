-- Pass a lead on from whoever has it to the next of a pool's rotation, who takes a turn.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  hash of the current generation
-- KEYS[5]  the first answer to this operation
-- KEYS[6..11]  the pool's hash, cycle, history, counters, use of its caps, turns held
-- ARGV[1]  now, ms
-- ARGV[2]  "<origin of the change> <depth> <lead ttl> <log ttl> <history limit> <request>": the
--          digest of what was asked for stands in the answer
-- ARGV[3]  why: "reassigned", or "not_accepted" when the time to accept is over
-- ARGV[4]  with "not_accepted": when that was, ms; else ""
-- ARGV[5]  "1" to give whoever had it their turn back
-- ARGV[6]  who asks for it, as JSON
-- ARGV[7]  what the lead's log tells of that (see events.lua)
-- ARGV[8]  source that the history records
-- ARGV[9]  the choice of the pool (see assignment.lua)
-- returns  {status, generation, answer}: "done" with the JSON of the answer; "unknown" (no such
--          lead), "unowned"; "moot" (the lead is not waiting to be accepted till then); "none" (nobody
--          else may be served); "stale", "gone" or "lost" (see turn.lua: decide again); but for
--          "done", nothing was written
-- Whoever had the lead is not asked; nor, of those who let its time pass, any again. Keys of the pool
-- that the lead comes from are built (owner.lua), and those of sticky.lua and parking.lua.
-- @include turn
-- @include assignment
-- @include events
-- @include owner
-- @include credit
-- @include once
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local first = once_recall(KEYS[5])
if first then return {'done', generation, first} end

local lead, why, expected = owner_read(KEYS[1]), ARGV[3], ARGV[4]
if not lead then return {'unknown', generation} end
local due, hops, before = string.match(lead.accept or '', '^(%d+) (%d+) (%S+)$')
if expected ~= '' and due ~= expected then return {'moot', generation} end
if not lead.owner then return {'unowned', generation} end

local keys = {pool = KEYS[6], cycle = KEYS[7], history = KEYS[8], stats = KEYS[9], caps = KEYS[10],
  held = KEYS[11]}
local choice = assignment_read(ARGV[9])
local stands, pointer = rotation_stands(keys.pool, choice.revision)
if stands ~= 'ok' then return {stands, generation} end

local limits = choice.limits or limits_read('lose - -')
limits.barred = {[lead.owner] = why}
if expected ~= '' then
  for member in string.gmatch(before, '[^,]+') do limits.barred[member] = 'not_accepted' end
end
local origin, depth, ttl, log_ttl, limit, request =
  string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
local now = clock_now(KEYS[3], ARGV[1])
local entry, missing = rotation_take(keys, pointer, {lead = lead.id, source = ARGV[8], at = now,
  why = choice.why, limit = tonumber(limit),
  told = ',"v":["' .. lead.owner .. '","' .. why .. '"]'}, limits)
if not entry then return {missing == 'lost' and 'lost' or 'none', generation} end

local credited = ARGV[5] == '1' and lead.assignment
if credited then
  credited = credit_give(lead.prefix, {pool = lead.assignment.pool, turn = lead.assignment.turn,
    member = lead.owner, lead = lead.id}, now, ARGV[6])
end
owner_end(lead, why, now, ARGV[6])
local assignment = '"pool":"' .. string.match(keys.pool, ':pool:(.+)$') .. '","participant":"' ..
  entry.participant .. '","member":"' .. entry.member .. '","order":' .. entry.order ..
  ',"turn":' .. entry.turn
owner_give(lead, entry.member, '{' .. assignment .. '}', now, ttl)
if choice.accept then
  local passed = '-'
  if expected ~= '' then passed = (before == '-' and '' or before .. ',') .. lead.owner end
  accept_begin(lead.key, entry.order, now, choice.accept, expected ~= '' and hops + 1 or 0, passed)
end
local types = expected ~= '' and 'lead_not_accepted,lead_assigned' or 'lead_assigned'
record_change(KEYS[2], KEYS[3], {types = types, module = 'leads', id = lead.id,
  revision = redis.call('HINCRBY', lead.key, 'revision', 1), origin = origin, depth = depth,
  at = now, previous = '{"owner_id":"' .. lead.owner .. '"}', ttl = log_ttl, told = ARGV[7]})
return {'done', generation, once_keep(KEYS[5], '{' .. assignment .. ',"before":"' .. lead.owner ..
  '","credited":' .. tostring(credited and true or false) .. ',"request":"' .. request .. '"}')}
