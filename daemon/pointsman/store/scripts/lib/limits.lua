-- What keeps someone from being served now, beside what the cycle says; included by turn.
--
-- limits_read(text)              the limits that a caller passes; nil for "", a pool without any
--   text      "<policy> <windows> <away>". policy: "hold" or "lose", a "!" where turns can be taken
--             ahead, and a "+" where another pool will be asked if nobody may be served. windows:
--             "day@Europe/Berlin=<start, ms>,.." of all caps, or "-". away: a digit per participant
--             by order, 0 there, 1 out of hours, 2 out of office; or "-". pools.limits makes it.
-- limits_reason(limits, caps, entry)   why someone is not served now; or nil, and entry.counts is
--                                      what a turn of theirs has to count
-- limits_reserve(caps, counts)         count a turn
-- limits_mask(counts)                  which units that counts, added up: day 1, month 2, hour 4,
--                                      week 8
-- limits_return(caps, participant, mask, at)   give back what a turn at ``at`` has counted, in the
--                                      windows that are not over; returns in how many
--
-- limits.barred, if the script sets it: member -> why they are not asked this time
--
-- caps     hash: "<participant> <unit>@<zone>" -> "<start of its window, ms> <turns in it>". A window
--          that was once begun is not left for an earlier one, whatever a daemon's clock says. The
--          key lives LIMITS_TTL after any window begins, longer than a month.

local LIMITS_TTL = 62 * 86400000

local function limits_read(text)
  local policy, ahead, more, windows, rest = string.match(text, '^(%l+)(!?)(%+?) (%S+) ()')
  if not policy then return nil end
  local away = string.sub(text, rest)
  return {hold = policy == 'hold', ahead = ahead == '!', otherwise = more == '+',
    away = away ~= '-' and away, text = windows}
end

local function limits_windows(limits)
  if not limits.windows then
    limits.windows = {}
    for name, start in string.gmatch(limits.text, '([^=,]+)=(%d+)') do
      limits.windows[#limits.windows + 1] = {name = name, start = start}
    end
  end
  return limits.windows
end

-- Return whether a cap is used up; note in the entry what a turn would have to count.
local function limits_full(limits, caps, entry)
  local windows, fields, most, full = limits_windows(limits), {}, {}, false
  entry.counts = {}
  for limit, slot in string.gmatch(entry.caps, '(%d+)@(%d+)') do
    local window = windows[slot + 1]
    fields[#fields + 1] = entry.participant .. ' ' .. window.name
    most[#most + 1] = tonumber(limit)
    entry.counts[#entry.counts + 1] = {field = fields[#fields], start = window.start, count = 0}
  end
  for i, used in ipairs(redis.call('HMGET', caps, unpack(fields))) do
    local one = entry.counts[i]
    local begun, turns = string.match(used or '', '^(%d+) (%d+)$')
    if begun and tonumber(begun) >= tonumber(one.start) then
      one.start, one.count = begun, tonumber(turns)
    end
    full = full or one.count >= most[i]
  end
  return full
end

local function limits_away(limits, order)
  local digit = limits.away and string.sub(limits.away, order, order) or '0'
  return digit ~= '0' and (digit == '1' and 'out_of_hours' or 'out_of_office') or nil
end

local function limits_reason(limits, caps, entry)
  local away = limits.barred and limits.barred[entry.member] or limits_away(limits, entry.order)
  if away or entry.caps == '' then return away end
  return limits_full(limits, caps, entry) and 'at_cap' or nil
end

local function limits_reserve(caps, counts)
  for _, one in ipairs(counts) do
    redis.call('HSET', caps, one.field, one.start .. ' ' .. one.count + 1)
    if one.count == 0 then redis.call('PEXPIRE', caps, LIMITS_TTL) end
  end
end

local LIMITS_BITS = {day = 1, month = 2, hour = 4, week = 8}

local function limits_mask(counts)
  local units, mask = {}, 0
  for _, one in ipairs(counts) do
    local unit = string.match(one.field, ' (%l+)@')
    if not units[unit] then units[unit], mask = true, mask + LIMITS_BITS[unit] end
  end
  return mask
end

local function limits_return(caps, participant, mask, at)
  local cursor, returned = '0', 0
  repeat
    local found = redis.call('HSCAN', caps, cursor, 'MATCH', participant .. ' *', 'COUNT', 1000)
    cursor = found[1]
    for i = 1, #found[2], 2 do
      local bit = LIMITS_BITS[string.match(found[2][i], ' (%l+)@') or ''] or 16
      local start, turns = string.match(found[2][i + 1], '^(%d+) (%d+)$')
      local counted = math.floor(mask / bit) % 2 == 1 and tonumber(start) <= tonumber(at)
      if counted and tonumber(turns) > 0 then
        redis.call('HSET', caps, found[2][i], start .. ' ' .. tonumber(turns) - 1)
        returned = returned + 1
      end
    end
  until cursor == '0'
  return returned
end
