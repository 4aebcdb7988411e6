-- Give a lead to a named member: by hand, so nobody's turn is taken.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  hash of the current generation
-- KEYS[5]  the first answer to this operation
-- KEYS[6..11]  with a pool: its hash, cycle, history, counters, use of its caps, turns held
-- ARGV[1]  now, ms
-- ARGV[2]  "<origin of the change> <depth> <lead ttl> <log ttl> <history limit> <request>": the
--          digest of what was asked for stands in the answer
-- ARGV[3]  how: "assign" (nobody may have the lead) or "reassign" (somebody must)
-- ARGV[4]  id of the member
-- ARGV[5]  "1" to give whoever had it their turn back
-- ARGV[6]  who asks for it, as JSON
-- ARGV[7]  what the lead's log tells of that (see events.lua)
-- ARGV[8]  with a pool: its revision, a new line, and its limits of now (see limits.lua) or ""
-- returns  {status, generation, answer}: "done" with the JSON of the answer; "unknown" (no such
--          lead), "owned" or "unowned", "same" (it is theirs already), "outside" (they are not in that
--          pool); "stale", "gone" or "lost" (see turn.lua: decide again); but for "done", nothing was
--          written
-- Keys of the pool that the lead comes from are built (owner.lua).
-- @include turn
-- @include events
-- @include owner
-- @include credit
-- @include once
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local first = once_recall(KEYS[5])
if first then return {'done', generation, first} end

local lead, member = owner_read(KEYS[1]), ARGV[4]
if not lead then return {'unknown', generation} end
if ARGV[3] == 'assign' and lead.owner then return {'owned', generation} end
if ARGV[3] == 'reassign' and not lead.owner then return {'unowned', generation} end
if lead.owner == member then return {'same', generation} end

local origin, depth, ttl, log_ttl, limit, request =
  string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
local now = clock_now(KEYS[3], ARGV[1])

-- Record it in the pool: the pointer stays, the caps count.
local function record()
  local revision, text = string.match(ARGV[8], '^(%S+)\n(.*)$')
  local keys = {pool = KEYS[6], cycle = KEYS[7], history = KEYS[8], stats = KEYS[9],
    caps = KEYS[10], held = KEYS[11]}
  local stands, pointer = rotation_stands(keys.pool, revision)
  if stands ~= 'ok' then return nil, stands end
  local entry = credit_place(keys.cycle, member)
  if not entry then return nil, 'outside' end
  local limits = limits_read(text)
  if limits and entry.caps ~= '' then
    limits_full(limits, keys.caps, entry)
    limits_reserve(keys.caps, entry.counts)
  end
  rotation_next_turn(keys.pool, pointer.turn)
  rotation_record(keys, entry, pointer.turn, {lead = lead.id, source = 'manual', at = now,
    why = '"u":1,"g":' .. ARGV[6], limit = tonumber(limit)}, {})
  return '"pool":"' .. string.match(KEYS[6], ':pool:(.+)$') .. '","participant":"' ..
    entry.participant .. '","member":"' .. member .. '","order":' .. entry.order .. ',"turn":' ..
    pointer.turn
end

local recorded, missing = nil, nil
if KEYS[6] then
  recorded, missing = record()
  if not recorded then return {missing, generation} end
end
local credited = ARGV[5] == '1' and lead.assignment
if credited then
  credited = credit_give(lead.prefix, {pool = lead.assignment.pool, turn = lead.assignment.turn,
    member = lead.owner, lead = lead.id}, now, ARGV[6])
end
owner_end(lead, 'reassigned', now, ARGV[6])
owner_give(lead, member, recorded and '{' .. recorded .. '}' or '', now, ttl)
local before = lead.owner and '"' .. lead.owner .. '"' or 'null'
record_change(KEYS[2], KEYS[3], {types = 'lead_assigned', module = 'leads', id = lead.id,
  revision = redis.call('HINCRBY', lead.key, 'revision', 1), origin = origin, depth = depth,
  at = now, previous = '{"owner_id":' .. before .. '}', ttl = log_ttl, told = ARGV[7]})
return {'done', generation, once_keep(KEYS[5], '{' ..
  (recorded or '"member":"' .. member .. '"') .. ',"before":' .. before .. ',"credited":' ..
  tostring(credited and true or false) .. ',"request":"' .. request .. '"}')}
