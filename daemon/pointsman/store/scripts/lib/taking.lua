-- Taking a lead in: what every way to do so has in common; after events and listed. KEYS and ARGV
-- are those that take_lead.lua describes.
--
-- taking_read()         what the caller passes, as a table: key, id, idempotency (key of its hash,
--                       or nil), source, origin, depth, ttl, log_ttl, limit
-- taking_before(lead)   status and answer, if this lead or its idempotency key was here before
-- taking_turn(lead, read, try)   let it take a turn in the pool that was chosen, if one was;
--                       lead.now is the organization's time, read and try are those of
--                       assignment.lua or plain.lua. Returns status, answer, owner as they do
-- taking_keep(lead, answer, owner)   store it, and tell of it
-- taking_alone(read, try, given)   all of this, for a lead that comes alone: returns what its script
--                       does. given: who has it already, of a lead that comes without a pool

local function taking_read()
  local source, origin, depth, ttl, log_ttl, limit =
    string.match(ARGV[4], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  return {key = KEYS[1], id = string.sub(KEYS[1], -24), source = source, origin = origin,
    depth = depth, ttl = ttl, log_ttl = log_ttl, limit = limit,
    idempotency = ARGV[6] ~= '' and KEYS[#KEYS] or nil}
end

local function taking_before(lead)
  if lead.idempotency then
    local first = redis.call('HMGET', lead.idempotency, 'body', 'lead', 'answer')
    if first[1] and first[1] ~= ARGV[6] then return 'conflict' end
    if first[1] then return first[2] == lead.id and 'taken' or 'replayed', first[3] end
  end
  local first = redis.call('HGET', lead.key, 'answer')
  if first then return 'taken', first end
end

local function taking_turn(lead, read, try)
  if not KEYS[8] then
    local reason = ARGV[5] ~= '' and '","reason":"' .. ARGV[5] or ''
    return 'unasked', '{"lead":"' .. lead.id .. reason .. '"}'
  end
  return try({pool = KEYS[5], cycle = KEYS[6], history = KEYS[7], stats = KEYS[8],
    caps = KEYS[9], held = KEYS[10]}, read(ARGV[5]),
    {lead = lead.id, key = lead.key, source = lead.source, at = lead.now,
      limit = tonumber(lead.limit)})
end

local function taking_keep(lead, answer, owner)
  local fields = {'v', 1, 'data', ARGV[2], 'revision', 1, 'created', lead.now, 'updated', lead.now,
    'source', lead.source, 'origin', ARGV[3], 'answer', answer}
  if owner then fields[17], fields[18] = 'owner', owner end
  if lead.origin ~= 'intake' then
    fields[#fields + 1] = 'by'
    fields[#fields + 1] = lead.origin
  end
  redis.call('HSET', lead.key, unpack(fields))
  redis.call('PEXPIRE', lead.key, lead.ttl)
  listed_add(KEYS[3], 'leads', lead.id, lead.now, ARGV[7])
  record_change(KEYS[2], KEYS[3], {types = owner and 'lead_created,lead_assigned' or 'lead_created',
    module = 'leads', id = lead.id, revision = '1', origin = lead.origin, depth = lead.depth,
    at = lead.now, previous = 'null', ttl = lead.log_ttl})
  if lead.idempotency then
    redis.call('HSET', lead.idempotency, 'body', ARGV[6], 'lead', lead.id, 'answer', answer)
    redis.call('PEXPIRE', lead.idempotency, 86400000)
  end
end

local function taking_alone(read, try, given)
  local generation = tonumber(redis.call('HGET', KEYS[4], 'number') or 0)
  local lead = taking_read()
  local status, answer, owner = taking_before(lead)
  if status then return {status, generation, answer} end

  lead.now = clock_now(KEYS[3], ARGV[1])
  status, answer, owner = taking_turn(lead, read, try)
  if not answer then return {status, generation} end
  taking_keep(lead, answer, owner or given)
  return {'taken', generation, answer}
end
