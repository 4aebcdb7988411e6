-- Values of a hash that shall stay small: what is longer than a compact hash may hold is cut.
--
-- Redis keeps a hash compact while no value of it is longer than 64 bytes (the default of
-- hash-max-listpack-value); one longer value makes it three times as large. So a value of up to
-- 1,024 bytes is kept in parts of 64: ``name``, ``name``.1, ``name``.2 and so on. The first shorter
-- part is the last, if an empty one: what an earlier, longer value left behind it is not looked at.
-- A longer value stays whole, for that hash is large anyway. The same rules are in run_hash.py.
--
-- wide_add(fields, name, value)   add a value to a list of fields and values for HSET
-- wide_get(key, name)             a value; nil if there is none

local WIDE, WIDEST = 64, 1024

local function wide_add(fields, name, value)
  local last, part = #value <= WIDEST and #value - #value % WIDE or 0, 0
  for at = 0, last, WIDE do
    fields[#fields + 1] = part == 0 and name or name .. '.' .. part
    fields[#fields + 1] = last == 0 and value or string.sub(value, at + 1, at + WIDE)
    part = part + 1
  end
end

local function wide_get(key, name)
  local value = redis.call('HGET', key, name)
  local part, count = value, 1
  while part and #part == WIDE do
    part = redis.call('HGET', key, name .. '.' .. count)
    value, count = value .. (part or ''), count + 1
  end
  return value or nil
end
