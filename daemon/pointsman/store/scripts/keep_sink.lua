-- Note that a sink is there, make its group, and let it skip what it is too far behind with.
--
-- KEYS[1]  the organization's event stream; made if it is not there
-- KEYS[2]  hash of sinks: when each was last there, in milliseconds
-- KEYS[3]  string: there while a sink asks how runs and submissions end (see outcomes.lua)
-- ARGV[1]  sink
-- ARGV[2]  now, in milliseconds
-- ARGV[3]  most entries that may wait for it
-- ARGV[4]  how long it is waited for if it asks how they end, ms; else ""
-- returns  {waiting, skipped}: how many entries wait, how many it will never get
--
-- A new sink begins with what comes from then on. May be sent any number of times.
local stream, group, most = KEYS[1], 'sink:' .. ARGV[1], tonumber(ARGV[3])

local function told(list)
  local known = {}
  for i = 1, #list, 2 do known[list[i]] = list[i + 1] end
  return known
end

-- Without the number of entries before its beginning, nobody could tell how many wait.
local function begin()
  local known = redis.call('EXISTS', stream) == 1 and told(redis.call('XINFO', 'STREAM', stream))
  local added = known and known['entries-added'] or 0
  return redis.pcall('XGROUP', 'CREATE', stream, group, '$', 'MKSTREAM', 'ENTRIESREAD', added)
end

redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
if ARGV[4] ~= '' then redis.call('SET', KEYS[3], 1, 'PX', ARGV[4]) end
begin()
local waiting = 0
for _, list in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local known = told(list)
  if known.name == group then
    local new = known.lag or
      #redis.call('XRANGE', stream, '(' .. known['last-delivered-id'], '+', 'COUNT', most + 1)
    waiting = new + known.pending
  end
end
if waiting <= most then return {waiting, 0} end
redis.call('XGROUP', 'DESTROY', stream, group)
begin()
return {0, waiting}
