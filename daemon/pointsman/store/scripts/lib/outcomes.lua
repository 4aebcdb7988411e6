-- How runs and leads' ways through flows ended: entries of the organization's event stream.
--
-- outcomes_wanted(prefix)   whether anybody asks
-- outcomes_told(prefix, ended)   to be called where they are wanted
--   prefix   "pm:{<organization>}:"; "<prefix>events" (the stream) and "<prefix>outcomes" are built.
--            The latter is a string with a TTL that is there while a sink asks for outcomes
--            (keep_sink.lua); without it nothing is written
--   ended    table: type ("run_failed"), module ("runs" or "submissions"), id (of the lead, or the
--            place of another record), origin, at (ms)
-- outcomes_submission(prefix, lead, told, used, at)   of a lead that has arrived: its id; JSON that
--            its sender is told; the text that counts its fields (story.lua)

local function outcomes_told(prefix, ended)
  redis.call('XADD', prefix .. 'events', '*', 'e', table.concat(
    {ended.type, ended.module, ended.id, 0, ended.origin, 0, ended.at}, ' '))
end

local function outcomes_wanted(prefix)
  return redis.call('EXISTS', prefix .. 'outcomes') == 1
end

local function outcomes_submission(prefix, lead, told, used, at)
  if not outcomes_wanted(prefix) then return end
  local outcome = string.match(told, '^{"outcome":"(%a+)"')
  local flow = string.match(used or '', '^used (%S+)')
  if not outcome or not flow then return end
  outcomes_told(prefix, {type = 'submission_' .. outcome, module = 'submissions', id = lead,
    origin = 'flow:' .. flow, at = at})
end
