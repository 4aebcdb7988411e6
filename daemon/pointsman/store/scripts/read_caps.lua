-- Tell how counters of flows stand.
--
-- KEYS[1]  the organization's event stream; keys of counters are built beside it (see caps.lua)
-- ARGV[1]  now, ms
-- ARGV[2]  the counters (see caps.lua)
-- returns  for each {count, failed, start, end, since}
-- @include caps
local answer = {}
for i, spec in ipairs(caps_specs(ARGV[2])) do
  local cap = caps_read(KEYS[1], spec, tonumber(ARGV[1]))
  answer[i] = {cap.count, cap.failed, cap.start, cap.till, cap.since}
end
return answer
