-- Note that whoever has a lead accepts it: it is not passed on any more.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  list of the lead's changes
-- KEYS[3]  the organization's event stream
-- KEYS[4]  hash of the current generation
-- ARGV[1]  now, ms
-- ARGV[2]  "<origin of the change> <depth> <lead ttl> <log ttl> .."
-- ARGV[3]  id of the member who accepts
-- ARGV[4]  who asks for it, as JSON
-- ARGV[5]  what the lead's log tells of that (see events.lua)
-- returns  {status, generation, answer}: "done" with the JSON of the answer, now or by an earlier
--          call; "unknown" (no such lead), "unowned", or "stranger" (it is somebody else's), and
--          nothing was written
-- Keys of the pool that the lead comes from are built (owner.lua).
-- @include turn
-- @include events
-- @include owner
local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
local lead = owner_read(KEYS[1])
if not lead then return {'unknown', generation} end
if not lead.owner then return {'unowned', generation} end
if lead.owner ~= ARGV[3] then return {'stranger', generation} end
if lead.accepted then
  return {'done', generation, '{"at":' .. lead.accepted .. ',"again":true}'}
end

local origin, depth, ttl, log_ttl = string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+)')
local now = clock_now(KEYS[3], ARGV[1])
redis.call('HSET', lead.key, 'accepted', now, 'updated', now)
redis.call('HDEL', lead.key, 'accept')
redis.call('PEXPIRE', lead.key, ttl)
if lead.assignment then
  local pool = lead.prefix .. 'pool:' .. lead.assignment.pool
  local index, row = history_find(pool .. ':history', lead.assignment.turn, lead.id)
  if index then
    history_note(pool .. ':history', index, row, '"q":[' .. now .. ',' .. ARGV[4] .. ']')
    redis.call('HINCRBY', pool .. ':stats', 'accepted:all', 1)
  end
end
record_change(KEYS[2], KEYS[3], {types = 'lead_accepted', module = 'leads', id = lead.id,
  revision = redis.call('HINCRBY', lead.key, 'revision', 1), origin = origin, depth = depth,
  at = now, previous = '{"accepted_at":null}', ttl = log_ttl, told = ARGV[5]})
return {'done', generation, '{"at":' .. now .. ',"again":false}'}
