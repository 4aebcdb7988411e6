-- Give a published pool the state that it had in another Redis, all of it at once.
--
-- KEYS[1]  hash of published pools
-- KEYS[2..8]  the pool's hash, cycle, history, counters, use of its caps, turns held, turns owed
-- KEYS[9]  what moved its pointer beside turns
-- KEYS[10] its lists of people
-- KEYS[11] the history to come: a list that ends by itself (no such key: none)
-- KEYS[12] the first answer to this operation
-- ARGV[1]  JSON of the pool, as published here
-- ARGV[2]  JSON: {pool, cycle, stats, caps, owed, people (each: field to value), held, moves, length,
--          sources}; the numbers of a source's rows are in KEYS[11] .. ":<source>"
-- ARGV[3]  "force" to replace what there is, or ""
-- ARGV[4]  who does it, as JSON
-- returns  {status, what came of the pointer}: "imported"; "gone" (not published), "stale" (with
--          another revision), "exists" (it has turns of its own), "lost" (the history to come has
--          ended or is another), and nothing was written
-- The pointer then goes where a change of the people takes it, from those of then to those of here.
-- Leads that wait in line stay; who has which person (sticky.lua) is not told. Keys of the history's
-- sources are built (rotation.lua).
-- @include rotation
-- @include once
local first = once_recall(KEYS[12])
if first then return first end

local spec, state = cjson.decode(ARGV[1]), cjson.decode(ARGV[2])
local keys = {pools = KEYS[1], pool = KEYS[2], cycle = KEYS[3], history = KEYS[4], stats = KEYS[5],
  caps = KEYS[6], held = KEYS[7]}
local revision = redis.call('HGET', KEYS[1], spec.id)
if not revision then return {'gone', ''} end
if revision ~= spec.revision then return {'stale', ''} end
if redis.call('LLEN', KEYS[11]) ~= state.length then return {'lost', ''} end
local turn = redis.call('HGET', KEYS[2], 'turn') or '1'
if ARGV[3] ~= 'force' and (turn ~= '1' or redis.call('EXISTS', KEYS[4]) == 1) then
  return {'exists', ''}
end

redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10],
  unpack(rotation_told(keys)))
local function fill(key, fields)
  for name, value in pairs(fields) do redis.call('HSET', key, name, value) end
end
fill(KEYS[2], state.pool)
fill(KEYS[3], state.cycle)
fill(KEYS[5], state.stats)
fill(KEYS[6], state.caps)
fill(KEYS[8], state.owed)
fill(KEYS[10], state.people)
redis.call('PEXPIRE', KEYS[6], LIMITS_TTL)
for _, line in ipairs(state.held) do redis.call('RPUSH', KEYS[7], line) end
for _, move in ipairs(state.moves) do redis.call('RPUSH', KEYS[9], move) end

local function adopt(from, to)
  redis.call('RENAME', from, to)
  redis.call('PERSIST', to)
end
if state.length > 0 then adopt(KEYS[11], KEYS[4]) end
for _, source in ipairs(state.sources) do
  adopt(KEYS[11] .. ':' .. source, KEYS[4] .. ':' .. source)
end
moves_note(KEYS[2], 'import', ',"by":' .. ARGV[4])
return once_keep(KEYS[12], {'imported', rotation_publish(keys, spec, false)})
