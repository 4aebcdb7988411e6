-- Take a lead in: store it, give it its turn in a pool, tell of it; all or nothing.
--
-- KEYS[1]  hash of the lead; its being there makes this a replay
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  hash of the current generation
-- KEYS[5..8]  with a pool: its hash, cycle, history and counters
-- KEYS[9..10]  with a pool that has limits: use of its caps, turns held
-- KEYS[#]  with an idempotency key: its hash, always last
-- ARGV[1]  now, ms
-- ARGV[2]  JSON of the lead's data
-- ARGV[3]  JSON of the lead's origin
-- ARGV[4]  "<source> <origin of the change> <depth> <lead ttl> <log ttl> <history limit>"
-- ARGV[5]  with a pool: the choice (see assignment.lua); without: why nobody is assigned, or ""
-- ARGV[6]  with an idempotency key: digest of the body it came with
-- returns  {status, generation, answer}: "taken" or "replayed" with the JSON of the answer,
--          "conflict" (the key came with another body), "stale", "gone" or "lost" (see turn.lua: decide
--          again), or "none" (ask the next pool); nothing was written then
-- @include turn
-- @include assignment
-- @include events
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local id = string.sub(KEYS[1], -24)
local idempotency = ARGV[6] and KEYS[#KEYS]

if idempotency then
  local first = redis.call('HMGET', idempotency, 'body', 'lead', 'answer')
  if first[1] then
    if first[1] ~= ARGV[6] then return {'conflict', generation} end
    return {first[2] == id and 'taken' or 'replayed', generation, first[3]}
  end
end
local first = redis.call('HGET', KEYS[1], 'answer')
if first then return {'taken', generation, first} end

local source, origin, depth, ttl, log_ttl, limit =
  string.match(ARGV[4], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
local types, answer, owner = 'lead_created', nil, nil
if KEYS[8] then
  local status
  local keys = {pool = KEYS[5], cycle = KEYS[6], history = KEYS[7], stats = KEYS[8],
    caps = KEYS[9], held = KEYS[10]}
  status, answer, owner = assignment_try(keys, ARGV[5],
    {lead = id, source = source, at = ARGV[1], limit = tonumber(limit)})
  if not answer then return {status, generation} end
  if owner then types = 'lead_created,lead_assigned' end
else
  answer = '{"lead":"' .. id .. (ARGV[5] ~= '' and '","reason":"' .. ARGV[5] or '') .. '"}'
end

redis.call('HSET', KEYS[1], 'v', 1, 'data', ARGV[2], 'revision', 1, 'created', ARGV[1],
  'updated', ARGV[1], 'source', source, 'origin', ARGV[3], 'answer', answer)
if owner then redis.call('HSET', KEYS[1], 'owner', owner) end
redis.call('PEXPIRE', KEYS[1], ttl)
record_change(KEYS[2], KEYS[3], {types = types, module = 'leads', id = id, revision = 1,
  origin = origin, depth = depth, at = ARGV[1], previous = 'null', ttl = log_ttl})
if idempotency then
  redis.call('HSET', idempotency, 'body', ARGV[6], 'lead', id, 'answer', answer)
  redis.call('PEXPIRE', idempotency, 86400000)
end
return {'taken', generation, answer}
