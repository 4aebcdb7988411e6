-- Accepting in time: until when whoever got a lead has to say so; after timers.
--
-- accept_read(text)    what a pool asks for now; nil for "", a pool that asks for nothing
--   text      "<within> <away> <others>": ms within which to accept; ms that do not count from now
--             on, because nobody works then; those for whom this is another number as
--             ",<order>=<ms>,<order>=<ms>,", or "-". pools.accept makes it
-- accept_begin(key, order, at, terms, hops, before)   the time of a lead's new owner begins
--   order     the owner's in the pool
--   terms     what accept_read returned
--   hops      how often the lead was passed on already
--   before    ids of the members who have let it pass, joined by commas; or "-"
--
-- accept   of the lead: "<due> <hops> <before>". It goes with the owner, and when the lead is accepted

local ACCEPT_NEVER = 2 ^ 53

local function accept_read(text)
  local within, away, others = string.match(text or '', '^(%d+) (%d+) (%S+)$')
  return within and {within = tonumber(within), away = away, others = others}
end

local function accept_begin(key, order, at, terms, hops, before)
  local away = string.match(terms.others, ',' .. order .. '=(%d+),') or terms.away
  local due = tonumber(at) + terms.within + tonumber(away)
  if due >= ACCEPT_NEVER then return end
  local text = string.format('%.0f', due)
  redis.call('HSET', key, 'accept', text .. ' ' .. hops .. ' ' .. before)
  timer_set(string.match(key, '^(.*)lead:') .. 'outbox', 'accept-by', string.sub(key, -24), text)
end
