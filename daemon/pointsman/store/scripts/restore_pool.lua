-- Give a published pool its pointer back from its history, after the key was lost.
--
-- KEYS[1]  hash of published pools
-- KEYS[2]  hash of the pool
-- KEYS[3]  its cycle
-- KEYS[4]  its history
-- KEYS[5]  its counters
-- KEYS[6]  use of its caps
-- KEYS[7]  turns held
-- ARGV[1]  JSON of the pool, as published
-- returns  "gone" if the pool is not published, "stale" if it is with another revision, else what
--          rotation_publish says; doing it again changes nothing
-- @include rotation
local spec = cjson.decode(ARGV[1])
local revision = redis.call('HGET', KEYS[1], spec.id)
if not revision then return 'gone' end
if revision ~= spec.revision then return 'stale' end
local keys = {pools = KEYS[1], pool = KEYS[2], cycle = KEYS[3], history = KEYS[4], stats = KEYS[5],
  caps = KEYS[6], held = KEYS[7]}
return rotation_publish(keys, spec, false)
