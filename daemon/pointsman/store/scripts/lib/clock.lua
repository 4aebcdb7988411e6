-- An organization's time: it never runs backwards, whichever daemon's clock tells it.
--
-- clock_now(stream, claimed)
--   stream    the organization's event stream; the key beside it is built here: ".. :clock"
--   claimed   what the caller's clock says, ms (a text)
--   returns   that, or the latest time that was told before; but never more than a second ahead of
--             Redis' own clock, so that one wrong clock cannot take the organization's time along
--
-- clock    string: the latest time told, ms

local CLOCK_AHEAD = 1000
local clock_known = {}

local function clock_now(stream, claimed)
  if clock_known[claimed] then return clock_known[claimed] end
  local key = string.sub(stream, 1, -7) .. 'clock'
  local time = redis.call('TIME')
  local most = time[1] * 1000 + math.floor(time[2] / 1000) + CLOCK_AHEAD
  local told = tonumber(claimed) > most and string.format('%.0f', most) or claimed
  local last = redis.call('SET', key, told, 'GET')
  if last and tonumber(last) > tonumber(told) then
    told = string.format('%.0f', math.min(tonumber(last), most))
    redis.call('SET', key, told)
  end
  clock_known[claimed], clock_known[told] = told, told
  return told
end
