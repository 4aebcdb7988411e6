-- Serve those who wait in a pool's line, oldest first, as long as anybody may be served.
--
-- KEYS[1]  the organization's event stream
-- KEYS[2]  hash of the current generation
-- KEYS[3..8]  the pool's hash, cycle, history, counters, use of its caps, turns held
-- KEYS[9..14]  with a fallback pool: the same of that
-- ARGV[1]  now, ms
-- ARGV[2]  "<origin of the change> <depth> <lead ttl> <log ttl> <history limit>"
-- ARGV[3]  the choice of the pool (see assignment.lua); why and marks are those of each lead
-- ARGV[4]  with a fallback pool: the choice of that
-- ARGV[5]  how many of the line to look at, at most
-- returns  {status, generation, left, lead, source..}: "drained" (nobody waits any more), "waiting"
--          (nobody may be served, a timer is set for when that changes), "more" (call again), or
--          "stale", "gone", "lost" (see turn.lua: decide again); how many still wait; who was served
-- Doing it again serves others: each lead is served once, for its line and its owner prove it. Keys
-- of leads are built, and those of parking.lua and sticky.lua.
-- @include turn
-- @include assignment
-- @include events
local generation = tonumber(redis.call('HGET', KEYS[2], 'number') or 0)
local now = clock_now(KEYS[1], ARGV[1])
local origin, depth, ttl, log_ttl, limit =
  string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
local prefix, pool_id = string.match(KEYS[3], '^(.*)pool:(.+)$')
local line, from_here = KEYS[3] .. ':parked', ',"b":"' .. pool_id .. '"'

local function asked(first, text)
  if not KEYS[first] then return nil end
  local keys = {pool = KEYS[first], cycle = KEYS[first + 1], history = KEYS[first + 2],
    stats = KEYS[first + 3], caps = KEYS[first + 4], held = KEYS[first + 5]}
  return {keys = keys, choice = assignment_read(text)}
end
local first, fallback = asked(3, ARGV[3]), asked(9, ARGV[4])

local function try(pool, turn, told, why)
  pool.choice.why, pool.choice.marks, turn.told = why, told.marks, ',"z":' .. told.at
  return assignment_try(pool.keys, pool.choice, turn)
end

local function serve(key, parked)
  local told = parking_read(parked)
  local why = told.why
  if string.sub(why, -#from_here) == from_here then why = string.sub(why, 1, -#from_here - 1) end
  local turn = {lead = string.sub(key, -24), key = key, source = told.source, at = now,
    limit = tonumber(limit), parked = parked, drained = true}
  local status, answer, owner = try(first, turn, told, why)
  if status == 'none' and not answer and fallback then
    if parking_waiting(fallback.keys.pool) == 0 then
      status, answer, owner = try(fallback, turn, told, why .. from_here)
    end
  end
  if owner then
    redis.call('HSET', key, 'owner', owner, 'assignment', answer, 'updated', now)
    redis.call('PEXPIRE', key, ttl)
    record_change(key .. ':log', KEYS[1], {types = 'lead_assigned', module = 'leads',
      id = turn.lead, revision = redis.call('HINCRBY', key, 'revision', 1), origin = origin,
      depth = depth, at = now, previous = '{"owner_id":null}', ttl = log_ttl})
  end
  return status, told.source
end

local served = {}
local function result(status)
  return {status, generation, redis.call('ZCARD', line), unpack(served)}
end

for _ = 1, tonumber(ARGV[5]) do
  local lead = redis.call('ZRANGE', line, 0, 0)[1]
  if not lead then return result('drained') end
  local key = prefix .. 'lead:' .. lead
  local there = redis.call('HMGET', key, 'data', 'owner', 'parked')
  local told = parking_read(there[3])
  if there[1] and not there[2] and told and told.pool == pool_id then
    local status, source = serve(key, there[3])
    if status == 'none' or status == 'parked' then
      parking_arm(prefix, pool_id, first.choice.parking.till)
      return result('waiting')
    end
    if status ~= 'assigned' then return result(status) end
    served[#served + 1], served[#served + 2] = lead, source
  else
    redis.call('ZREM', line, lead)
  end
end
return result('more')
