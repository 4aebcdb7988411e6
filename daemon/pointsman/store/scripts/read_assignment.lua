-- Read the row of a turn in a pool's history, and what came after it.
--
-- KEYS[1]  the pool's history
-- ARGV[1]  number of the turn
-- returns  the rows of that number, newest first: one, unless a pointer was lost with a server
local length, last = redis.call('LLEN', KEYS[1]), redis.call('LINDEX', KEYS[1], -1)
if not last then return {} end
local back = tonumber(string.match(last, '"t":(%d+)')) - tonumber(ARGV[1])
local guess = math.min(math.max(length - 1 - back, 0), length - 1)
local found, start = {}, '{"t":' .. ARGV[1] .. ','
for _, row in ipairs(redis.call('LRANGE', KEYS[1], math.max(guess - 500, 0), guess + 500)) do
  if string.sub(row, 1, #start) == start then table.insert(found, 1, row) end
end
return found
