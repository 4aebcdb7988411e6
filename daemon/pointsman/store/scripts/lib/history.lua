-- What became of an assignment after it was made, noted in its row of the pool's history.
--
-- history_find(history, turn, lead)     the row of a lead's turn: its index and text, or nil if the
--                                       history is not kept so far back
-- history_note(history, index, row, text)   note something in it; returns the row as it is then
--   text      the inside of a JSON object, without braces. "q":[ms,who] the lead was accepted;
--             "e":[how,ms,who] it is not theirs any more, how is reassigned, unassigned or
--             not_accepted; "d":[ms,turns,windows,who] it was credited: 1 or 0 turns, the use of
--             so many windows of caps. Each stands there once
--
-- Turns are numbered one after the other, so a row is found by counting back from the last one. A
-- pointer that was lost with a server may have given a number twice: hence a look around it.

local HISTORY_AROUND = 500

local function history_find(history, turn, lead)
  local length, last = redis.call('LLEN', history), redis.call('LINDEX', history, -1)
  if not last then return nil end
  local back = tonumber(string.match(last, '"t":(%d+)')) - tonumber(turn)
  local guess = math.min(math.max(length - 1 - back, 0), length - 1)
  local first = math.max(guess - HISTORY_AROUND, 0)
  local start = '{"t":' .. turn .. ',"l":"' .. lead .. '"'
  for _, from in ipairs({guess, first}) do
    local to = from == guess and guess or guess + HISTORY_AROUND
    for i, row in ipairs(redis.call('LRANGE', history, from, to)) do
      if string.sub(row, 1, #start) == start then return from + i - 1, row end
    end
  end
end

local function history_note(history, index, row, text)
  local noted = string.sub(row, 1, -2) .. ',' .. text .. '}'
  redis.call('LSET', history, index, noted)
  return noted
end
