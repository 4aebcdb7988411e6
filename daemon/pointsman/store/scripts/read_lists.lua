-- Look for values in suppression lists.
--
-- KEYS[1]  the organization's event stream; keys of lists are built beside it (see lists.lua)
-- ARGV[1]  now, ms
-- ARGV[2]  what is asked (see lists.lua)
-- returns  for each 1 if it is in its list or a lead on its way has claimed it, else 0
-- @include lists
local found = {}
for i, spec in ipairs(lists_specs(ARGV[2])) do
  found[i] = lists_found(KEYS[1], spec, tonumber(ARGV[1])) and 1 or 0
end
return found
