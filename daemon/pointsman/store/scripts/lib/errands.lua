-- Deliveries of a lead that arrived which are tried again, as any daemon needs them.
-- "<lead>:errands" is built: hash of state and r<number> (as in flight.lua), and of each such step,
-- by its number in the flow: e<number> (JSON of what is told of it, opaque here), d<number> (ms, when
-- it is due; none: it failed for good), t<number> (whose it is), l<number> (ms, until when),
-- s<number> (by whom its attempt was begun). It lives until none is left, or as long as events do.
--
-- errands_begin(stream, lead, errands)   make it of "<lead>:submission"; errands: ttl (ms), text
--                                        ("<number> <due> <JSON>", parted by line breaks)
-- errands_due(stream, lead, number, due)   set its timer "redelivery", for the id of its event
-- errands_held(lead, number, token)      whether a delivery is token's
-- errands_end(lead, number)              forget one, and all with the last; include timers before

local function errands_due(stream, lead, number, due)
  timer_set(string.sub(stream, 1, -7) .. 'outbox', 'redelivery',
    string.sub(lead, -24) .. string.format('%02x', number), tonumber(due))
end

local function errands_begin(stream, lead, errands)
  local key = lead .. ':errands'
  redis.call('RENAME', lead .. ':submission', key)
  redis.call('HDEL', key, 'token', 'lease', 'idempotency')
  for number, due, text in string.gmatch(errands.text, '(%d+) (%d+) ([^\n]+)') do
    redis.call('HSET', key, 'e' .. number, text, 'd' .. number, due)
    errands_due(stream, lead, number, due)
  end
  redis.call('PEXPIRE', key, errands.ttl)
end

local function errands_held(lead, number, token)
  return redis.call('HGET', lead .. ':errands', 't' .. number) == token
end

local function errands_end(lead, number)
  local key = lead .. ':errands'
  redis.call('HDEL', key, 'e' .. number, 'd' .. number, 't' .. number, 'l' .. number, 's' .. number)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.match(field, '^e%d+$') then return end
  end
  redis.call('UNLINK', key)
end
