-- A node's sign of life for one organization, and what is published there by now.
--
-- KEYS[1]  hash of nodes: node -> "<at ms> <generation> <refused generation>"
-- KEYS[2]  hash of the current generation
-- ARGV[1]  the node
-- ARGV[2]  now, ms; "" when the node leaves
-- ARGV[3]  generation that it serves
-- ARGV[4]  generation that it cannot serve, 0 for none
-- ARGV[5]  age at which a silent node is forgotten, ms
-- returns  number of the current generation, 0 for none
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
  local nodes = redis.call('HGETALL', KEYS[1])
  for i = 1, #nodes, 2 do
    local at = tonumber(string.match(nodes[i + 1], '^%d+'))
    if at < tonumber(ARGV[2]) - tonumber(ARGV[5]) then redis.call('HDEL', KEYS[1], nodes[i]) end
  end
end
return tonumber(redis.call('HGET', KEYS[2], 'number') or 0)
