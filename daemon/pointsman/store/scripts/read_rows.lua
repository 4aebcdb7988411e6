-- Read a page of a source's rows in a pool's history, newest first.
--
-- KEYS[1]  the pool's history
-- KEYS[2]  its counters
-- KEYS[3]  the numbers of that source's rows (see turn.lua)
-- ARGV[1]  the source
-- ARGV[2]  how many
-- ARGV[3]  how many newer ones come before
-- returns  {total, row..}; or {total, 0} if the numbers do not reach so far back or do not fit: the
--          caller has to look for itself
local GAP = 50

local total = tonumber(redis.call('HGET', KEYS[2], 'source:' .. ARGV[1]) or '0')
local indexed = redis.call('LLEN', KEYS[3])
local last = indexed - 1 - tonumber(ARGV[3])
local first = last - tonumber(ARGV[2]) + 1
if indexed ~= total and first < 0 then return {total, 0} end
if last < 0 then return {total} end

local before = tonumber(redis.call('HGET', KEYS[2], 'total') or '0') - redis.call('LLEN', KEYS[1])
local numbers = redis.call('LRANGE', KEYS[3], math.max(first, 0), last)
local mark, page, at = '"s":"' .. ARGV[1] .. '"', {total}, #numbers
while at > 0 do
  local from = at
  while from > 1 and numbers[from] - numbers[from - 1] <= GAP do from = from - 1 end
  local start = numbers[from] - before - 1
  local rows = redis.call('LRANGE', KEYS[1], start, numbers[at] - before - 1)
  for i = at, from, -1 do
    local row = start >= 0 and rows[numbers[i] - numbers[from] + 1]
    if not (row and string.find(row, mark, 1, true)) then return {total, 0} end
    page[#page + 1] = row
  end
  at = from - 1
end
return page
