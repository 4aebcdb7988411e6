-- A lead on its way to recipients: what another daemon needs to go on if this one dies.
-- "<lead>:submission" is built: hash of token (whose it is), lease (ms, until when), state (JSON of
-- how it began), idempotency (key of the sender's hash, or ""), r<n> (JSON of what came of the step
-- that was the n-th thing to happen). It lives until the lead arrives, or till and a minute.
--
-- flight_begin(stream, lead, flight)   flight: token, lease, till, state, idempotency; with a timer
--                                      "submission" for the end of the lease
-- flight_held(lead, token)             whether the lead is still token's; include timers before

local function flight_timer(stream, lead, due)
  timer_set(string.sub(stream, 1, -7) .. 'outbox', 'submission',
    string.sub(lead, -24), due)
end

local function flight_begin(stream, lead, flight)
  local key = lead .. ':submission'
  redis.call('HSET', key, 'token', flight.token, 'lease', flight.lease, 'state', flight.state,
    'idempotency', flight.idempotency)
  redis.call('PEXPIREAT', key, flight.till + 60000)
  flight_timer(stream, lead, flight.lease)
end

local function flight_held(lead, token)
  return redis.call('HGET', lead .. ':submission', 'token') == token
end
