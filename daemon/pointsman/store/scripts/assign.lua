-- Assign a lead that is there already through a turn in a pool; all or nothing.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  hash of the current generation
-- KEYS[5]  the first answer to this operation
-- KEYS[6..9]  the pool's hash, cycle, history and counters
-- KEYS[10..11]  of a pool that has limits: use of its caps, turns held
-- ARGV[1]  now, ms
-- ARGV[2]  "<source> <origin of the change> <depth> <lead ttl> <log ttl> <history limit>"
-- ARGV[3]  the choice (see assignment.lua)
-- returns  {status, generation, answer}: "taken" with the JSON of the answer, "unknown" (no such
--          lead), "stale", "gone" or "lost" (see turn.lua: decide again), or "none" (ask the next
--          pool); nothing was written then
-- Where leads may wait or have owners, keys of the same organization are built (parking.lua,
-- sticky.lua).
-- @include turn
-- @include assignment
-- @include events
-- @include once
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local first = once_recall(KEYS[5])
if first then return {'taken', generation, first} end

local lead = redis.call('HMGET', KEYS[1], 'data', 'owner', 'parked')
if not lead[1] then return {'unknown', generation} end
local id = string.sub(KEYS[1], -24)
if lead[2] then
  local answer = '{"lead":"' .. id .. '","reason":"already_assigned"}'
  return {'taken', generation, once_keep(KEYS[5], answer)}
end

local source, origin, depth, ttl, log_ttl, limit =
  string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
local now = clock_now(KEYS[3], ARGV[1])
local status, answer, owner = assignment_try(
  {pool = KEYS[6], cycle = KEYS[7], history = KEYS[8], stats = KEYS[9], caps = KEYS[10],
    held = KEYS[11]}, assignment_read(ARGV[3]),
  {lead = id, key = KEYS[1], source = source, at = now, limit = tonumber(limit),
    parked = lead[3]})
if not answer then return {status, generation} end
if owner then
  redis.call('HSET', KEYS[1], 'owner', owner, 'assignment', answer, 'updated', now)
  redis.call('PEXPIRE', KEYS[1], ttl)
  record_change(KEYS[2], KEYS[3], {types = 'lead_assigned', module = 'leads', id = id,
    revision = redis.call('HINCRBY', KEYS[1], 'revision', 1), origin = origin, depth = depth,
    at = now, previous = '{"owner_id":null}', ttl = log_ttl})
end
return {'taken', generation, once_keep(KEYS[5], answer)}
