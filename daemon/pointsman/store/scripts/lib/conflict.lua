-- Two workflows that undo each other: recorded beside the change that takes the other one back.
--
-- conflict_told(log, change)   what to tell in the log of a change that a workflow makes, or nil
--   log      list of the record's changes
--   change   table: origin, previous (JSON of the changed fields' earlier values), data (JSON of the
--            record's fields as they will be), owner ("" for none)
--
-- Looks at the last few changes only: it is about automations that answer each other at once.

local CONFLICT_LOOKS = 8

local function conflict_same(one, other)
  if one == nil then one = cjson.null end
  if other == nil then other = cjson.null end
  if type(one) == 'table' and type(other) == 'table' then
    return cjson.encode(one) == cjson.encode(other)
  end
  return one == other
end

local function conflict_told(log, change)
  if string.sub(change.origin, 1, 9) ~= 'workflow:' or change.previous == 'null' then return end
  local others, foreign, own = {}, false, '"origin":"' .. change.origin .. '"'
  for _, entry in ipairs(redis.call('LRANGE', log, -CONFLICT_LOOKS, -1)) do
    if string.find(entry, '"origin":"workflow:', 1, true) then
      others[#others + 1] = entry
      foreign = foreign or not string.find(entry, own, 1, true)
    end
  end
  if not foreign then return end
  local changed, now = cjson.decode(change.previous), cjson.decode(change.data)
  now.owner_id = change.owner ~= '' and change.owner or nil
  for i = #others, 1, -1 do
    local entry = cjson.decode(others[i])
    local earlier = type(entry.previous) == 'table' and entry.previous or {}
    for name in pairs(changed) do
      if entry.origin ~= change.origin and earlier[name] ~= nil
        and conflict_same(now[name], earlier[name]) then
        return ',"conflict":"' .. entry.origin .. '"'
      end
      if earlier[name] ~= nil then changed[name] = nil end
    end
  end
end
