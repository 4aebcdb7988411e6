-- Setting a timer in the same script as the change that calls for it.
--
-- timer_set(outbox, purpose, id, due)
--   outbox    the organization's outbox
--   purpose   who gets it: a name that the app has a handler for, of lower-case letters and dashes
--   id        what it is about: ids only, no space
--   due       when, ms; 0 for at once
--
-- A timer cannot be taken back, and may come late or twice: whoever gets it looks in a script of
-- its own whether there still is anything to do.

local function timer_set(outbox, purpose, id, due)
  redis.call('XADD', outbox, '*', 'timer', purpose .. '/' .. id, 'due', string.format('%.0f', due))
end
