-- Take over the events that were read and not acknowledged, by whomever; forget their readers.
--
-- KEYS[1]  the organization's event stream; made, with its group, if it is not there
-- KEYS[2]  string: who may read
-- ARGV[1]  group
-- ARGV[2]  consumer
-- ARGV[3]  the caller's "<token> <holder>"
-- ARGV[4]  most entries to return
-- returns  the first pending entries, oldest first: {{id, {field, value}}...}; or false if the
--          caller may not read any more
--
-- To be sent until it returns none; what it returned stays pending until it is acknowledged.
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return false end
redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
local cursor, entries = '0-0', {}
repeat
  local claimed = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, cursor, 'COUNT', ARGV[4])
  cursor, entries = claimed[1], claimed[2]
until cursor == '0-0' or #entries > 0
if #entries == 0 then
  for _, told in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    if told[2] ~= ARGV[2] then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], told[2]) end
  end
end
return entries
