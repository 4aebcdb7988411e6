-- Change a lead's data if it still is what the change was made from.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  the first answer to this operation
-- ARGV[1]  now, ms
-- ARGV[2]  the revision that the change was made from
-- ARGV[3]  JSON of the new data
-- ARGV[4]  JSON of the changed fields' earlier values
-- ARGV[5]  "<event types> <origin of the change> <depth> <lead ttl> <log ttl>"
-- returns  {status, revision}: "changed" with the new revision, "conflict" with the current one, or
--          "unknown" (no such lead)
-- @include events
-- @include once
local first = once_recall(KEYS[4])
if first then return first end

local lead = redis.call('HMGET', KEYS[1], 'data', 'revision')
if not lead[1] then return {'unknown', 0} end
if lead[2] ~= ARGV[2] then return {'conflict', tonumber(lead[2])} end

local types, origin, depth, ttl, log_ttl =
  string.match(ARGV[5], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
redis.call('HSET', KEYS[1], 'data', ARGV[3], 'updated', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ttl)
record_change(KEYS[2], KEYS[3], {types = types, module = 'leads', id = string.sub(KEYS[1], -24),
  revision = revision, origin = origin, depth = depth, at = ARGV[1], previous = ARGV[4],
  ttl = log_ttl})
return once_keep(KEYS[4], {'changed', revision})
