-- Count a ping against the limits of its flow and source, whatever becomes of it; tell how caps stand.
--
-- KEYS[1]  the organization's event stream; keys of counters are built beside it (see caps.lua)
-- ARGV[1]  now, ms
-- ARGV[2]  the limits (see caps.lua)
-- ARGV[3]  the caps, only told of
-- ARGV[4]  the ping's id: sent again, it counts once
-- returns  {id of a limit that is reached or "", when that ends (ms), {count, failed, start, end,
--          since} of each cap...}; a ping beyond a limit is counted as refused there
-- @include caps
local now = tonumber(ARGV[1])
local once = string.match(KEYS[1], '^(.*:)events$') .. 'once:' .. ARGV[4]
local limits = caps_specs(ARGV[2])
local full, till = redis.call('GET', once), 0
if not full then
  full = caps_take(KEYS[1], limits, ARGV[4], now) or ''
  caps_refuse(KEYS[1], limits, full, now)
  redis.call('SET', once, full, 'PX', 600000)
end
for _, spec in ipairs(limits) do
  if spec.id == full then till = caps_read(KEYS[1], spec, now).till end
end
local answer = {full, till}
for _, spec in ipairs(caps_specs(ARGV[3])) do
  local cap = caps_read(KEYS[1], spec, now)
  answer[#answer + 1] = {cap.count, cap.failed, cap.start, cap.till, cap.since}
end
return answer
