-- Take or renew the right to read an organization's events; one daemon at a time has it.
--
-- KEYS[1]  string with a TTL: "<token> <holder>"
-- KEYS[2]  hash of tokens; they only grow, so that a holder that was away can be told from a later one
-- ARGV[1]  holder
-- ARGV[2]  how long the right lasts, ms
-- returns  the holder's "<token> <holder>", or false while somebody else has it
--
-- The same holder may send this any number of times.
local held = redis.call('GET', KEYS[1])
if held then
  if string.match(held, '^%d+ (.*)$') ~= ARGV[1] then return false end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return held
end
held = redis.call('HINCRBY', KEYS[2], 'events', 1) .. ' ' .. ARGV[1]
redis.call('SET', KEYS[1], held, 'PX', ARGV[2])
return held
