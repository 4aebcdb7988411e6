-- Forget the events that every group has acknowledged; tell what one group still has to do.
--
-- KEYS[1]  the organization's event stream
-- KEYS[2]  hash of sinks: when each was last there, in milliseconds
-- ARGV[1]  group whose backlog is asked for
-- ARGV[2]  how long ago a sink was last there, as a time, for its group to be given up
-- returns  the number of entries that this group has not acknowledged
--
-- A stream without groups is left alone: whoever is to read it has not begun.
local length = redis.call('XLEN', KEYS[1])
local lowest, backlog = nil, length

local function before(one, other)
  local a, b = string.match(one, '^(%d+)-(%d+)$')
  local c, d = string.match(other, '^(%d+)-(%d+)$')
  if #a ~= #c then return #a < #c end
  if a ~= c then return a < c end
  if #b ~= #d then return #b < #d end
  return b < d
end

for _, told in ipairs(length > 0 and redis.call('XINFO', 'GROUPS', KEYS[1]) or {}) do
  local group = {}
  for i = 1, #told, 2 do group[told[i]] = told[i + 1] end
  local sink = string.match(group.name, '^sink:(.+)$')
  if sink and tonumber(redis.call('HGET', KEYS[2], sink) or 0) < tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DESTROY', KEYS[1], group.name)
    redis.call('HDEL', KEYS[2], sink)
  else
    local open = group['last-delivered-id']
    if group.pending > 0 then open = redis.call('XPENDING', KEYS[1], group.name)[2] end
    if not lowest or before(open, lowest) then lowest = open end
    if group.name == ARGV[1] and group.lag then backlog = group.lag + group.pending end
  end
end
if lowest then redis.call('XTRIM', KEYS[1], 'MINID', '~', lowest) end
return backlog
