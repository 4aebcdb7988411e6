-- A turn in a pool that has nothing but people: no limits, no line, no owners, nothing to accept.
-- Include turn before. What other pools have is in assignment.lua, which tells of assignments in these words.
--
-- plain_read(choice)             the first line of a choice (see assignment.lua): revision and why
-- plain_try(keys, choice, turn)  as assignment_try
-- plain_assigned(keys, turn, entry)   JSON of an assignment
-- plain_nobody(keys, turn, reason)    JSON of why there is none

local function plain_read(choice)
  local revision, why = string.match(choice, '^(%S+) ([^\n]+)')
  return {revision = revision, why = why}
end

local function plain_assigned(keys, turn, entry)
  return '{"lead":"' .. turn.lead .. '","pool":"' .. string.match(keys.pool, ':pool:(.+)$') ..
    '","participant":"' .. entry.participant .. '","member":"' .. entry.member .. '","order":' ..
    entry.order .. ',"turn":' .. entry.turn .. '}'
end

local function plain_nobody(keys, turn, reason)
  return '{"lead":"' .. turn.lead .. '","pool":"' .. string.match(keys.pool, ':pool:(.+)$') ..
    '","reason":"' .. reason .. '"}'
end

local function plain_try(keys, choice, turn)
  local stands, pointer = rotation_stands(keys.pool, choice.revision)
  if stands ~= 'ok' then return stands end
  turn.why = choice.why
  local entry, missing = rotation_take(keys, pointer, turn)
  if entry then return 'assigned', plain_assigned(keys, turn, entry), entry.member end
  if missing == 'lost' then return 'lost' end
  return 'none', plain_nobody(keys, turn, 'no_eligible_participant')
end
