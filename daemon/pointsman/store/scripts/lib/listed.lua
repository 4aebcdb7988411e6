-- The sorted set in which a module's records are listed and found; see store/finding.py.
--
-- listed_key(stream, module)   its key, built from that of the organization's event stream
-- listed_add(stream, module, id, created, found)   list a new record; one command
--   created   ms
--   found     "<letter><score> ..": what it is found by, or ""
-- listed_change(key, id, found)   note what it is found by from now on; a score of 0 removes
-- listed_remove(key, id)          forget it, whose it is too (see owned.lua)

local LISTED_LETTERS = 'abcdefghijklmnop'

local function listed_key(stream, module)
  return string.sub(stream, 1, -7) .. 'index:' .. module
end

local function listed_add(stream, module, id, created, found)
  local entries = {created, id}
  for letter, score in string.gmatch(found, '(%l)(%S+)') do
    entries[#entries + 1] = score
    entries[#entries + 1] = letter .. id
  end
  redis.call('ZADD', listed_key(stream, module), unpack(entries))
end

local function listed_change(key, id, found)
  for letter, score in string.gmatch(found, '(%l)(%S+)') do
    if score == '0' then
      redis.call('ZREM', key, letter .. id)
    else
      redis.call('ZADD', key, score, letter .. id)
    end
  end
end

local function listed_remove(key, id)
  local entries = {id}
  for letter in string.gmatch(LISTED_LETTERS, '%l') do entries[#entries + 1] = letter .. id end
  redis.call('ZREM', key, unpack(entries))
  redis.call('ZREM', key .. ':owned', id)
end
