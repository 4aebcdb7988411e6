-- Leads that wait for someone: the oldest goes first, and nobody new overtakes them.
--
-- parking_waiting(pool)              how many wait in a pool's line
-- parking_add(parking, turn, wake)   let a lead wait, once; false if the line is full or gone
--   parking   table: pool (id of the pool in whose line), till (when anything can change, ms: a text)
--   turn      table: key (of the lead), lead, source, at, why, marks ("-": none)
--   wake      true: somebody may be served already, so look at the line at once
-- parking_arm(prefix, pool, till)    look at the line again at ``till``, if that is ever
-- parking_wake(prefix, pool, cause)  look at the line at once, if anyone is in it; ``cause`` tells
--                                    one such look from any other: an id
-- parking_leave(lead, parked)        a lead waits no more; ``parked`` is its field of that name
-- parking_read(parked)               that field as a table: pool, at, source, marks, why; or nil
--
-- Builds keys, all of one organization, from that of the lead or ``prefix``, "pm:{<id>}:":
-- parked   "pool:<id>:parked", sorted set: lead ids by when they came, ms; two in one millisecond
--          differ by less. At most PARKING_MOST.
-- The lead's own field "parked" is "<pool> <at> <source> <marks> <why>": what a turn will need.
-- @include timers

local PARKING_MOST = 100000
local PARKING_STEP = 1 / 1024
local PARKING_NEVER = 2 ^ 53

local function parking_waiting(pool)
  return redis.call('ZCARD', pool .. ':parked')
end

local function parking_arm(prefix, pool, till)
  local key = prefix .. 'pool:' .. pool
  if tonumber(till) >= PARKING_NEVER or redis.call('HGET', key, 'drain_at') == till then return end
  redis.call('HSET', key, 'drain_at', till)
  timer_set(prefix .. 'outbox', 'park', pool, till)
end

local function parking_wake(prefix, pool, cause)
  if parking_waiting(prefix .. 'pool:' .. pool) == 0 then return end
  timer_set(prefix .. 'outbox', 'park', pool .. ':' .. cause, 0)
end

local function parking_add(parking, turn, wake)
  local prefix = string.match(turn.key, '^(.*)lead:')
  local key = prefix .. 'pool:' .. parking.pool
  local line, there = key .. ':parked', redis.call('HMGET', key, 'revision', 'gone')
  if there[2] or not there[1] then return false end
  if not redis.call('ZSCORE', line, turn.lead) then
    if redis.call('ZCARD', line) >= PARKING_MOST then return false end
    local last = redis.call('ZRANGE', line, -1, -1, 'WITHSCORES')[2]
    local at = math.max(tonumber(turn.at), last and tonumber(last) + PARKING_STEP or 0)
    redis.call('ZADD', line, string.format('%.10f', at), turn.lead)
    redis.call('HSET', turn.key, 'parked', parking.pool .. ' ' .. turn.at .. ' ' .. turn.source ..
      ' ' .. (turn.marks or '-') .. ' ' .. turn.why)
  end
  parking_arm(prefix, parking.pool, parking.till)
  if wake then parking_wake(prefix, parking.pool, turn.lead) end
  return true
end

local function parking_read(parked)
  local pool, at, source, marks, why =
    string.match(parked or '', '^(%S+) (%d+) (%S+) (%S+) (.*)$')
  return pool and {pool = pool, at = at, source = source, marks = marks, why = why}
end

local function parking_leave(lead, parked)
  local told = parking_read(parked)
  if not told then return end
  local prefix = string.match(lead, '^(.*)lead:')
  redis.call('ZREM', prefix .. 'pool:' .. told.pool .. ':parked', string.sub(lead, -24))
  redis.call('HDEL', lead, 'parked')
end
