-- Assigning a lead through a pool's turn; include turn before.
--
-- assignment_try(keys, choice, turn)
--   keys      table: pool, cycle, history, stats; with limits: caps, held
--   choice    "<revision> <why>": the pool's revision that was decided with, and the inside of a
--             JSON object telling how the pool was found; then, for a pool that has any, a new line
--             and its limits of now (see limits.lua)
--   turn      table: lead, source, at, limit
--   returns   status, answer, member. "assigned": answer is its JSON. "none": nobody may be served,
--             answer is that as JSON, or nil if another pool will be asked. "stale", "gone",
--             "lost": no answer. Without one nothing was written.

local function assignment_try(keys, choice, turn)
  local line = string.find(choice, '\n', 1, true)
  local limits = line and limits_read(string.sub(choice, line + 1))
  local revision, why = string.match(line and string.sub(choice, 1, line - 1) or choice,
    '^(%S+) (.+)$')
  local stands, pointer = rotation_stands(keys.pool, revision)
  if stands ~= 'ok' then return stands end
  turn.why = why
  local entry, missing = rotation_take(keys, pointer, turn, limits)
  if missing == 'lost' then return 'lost' end
  if not entry and limits and limits.otherwise then return 'none' end
  local answer = '{"lead":"' .. turn.lead .. '","pool":"' .. string.match(keys.pool, ':pool:(.+)$')
  if not entry then return 'none', answer .. '","reason":"no_eligible_participant"}' end
  return 'assigned', answer .. '","participant":"' .. entry.participant .. '","member":"' ..
    entry.member .. '","order":' .. entry.order .. ',"turn":' .. entry.turn .. '}', entry.member
end
