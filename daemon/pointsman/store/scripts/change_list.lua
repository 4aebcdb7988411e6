-- Add values to a suppression list, or take them out; doing it again changes nothing.
--
-- KEYS[1]  the organization's event stream; keys of lists are built beside it (see lists.lua)
-- ARGV[1]  now, ms
-- ARGV[2]  "add" or "remove"
-- ARGV[3]  the values (see lists.lua)
-- returns  how many were not there before, or were
-- @include lists
local changed = 0
for _, spec in ipairs(lists_specs(ARGV[3])) do
  local did
  if ARGV[2] == 'add' then
    did = lists_add(KEYS[1], spec, tonumber(ARGV[1]))
  else
    did = lists_remove(KEYS[1], spec)
  end
  if did then changed = changed + 1 end
end
return changed
