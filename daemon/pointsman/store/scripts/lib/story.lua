-- The events of one lead's way through a flow.
--
-- story_tell(stream, lead, told)
--   stream   the organization's event stream; beside it, "flow_events" is built: sorted set of the
--            ids of all such events by time, as long as they are kept and until a flow's next day
--   lead     key of the lead; beside it, "<lead>:events" is built: list of the events' JSON
--   told     table: id (of the lead), at (ms, a text), ttl (ms that events are kept), texts (JSON of the
--            events in order, that of the source last), answer (what became of the pool step, JSON)
--            A first text "used <flow> <day> <field> ..." counts the lead's fields instead, in
--            "flow:<flow>:fields:<day>", built beside the stream: hash of field -> leads, 40 days.
--            Where that day begins, or nothing is counted, ids leave the index that are kept no longer
--
-- story_more(stream, lead, told)   tell of what came later; texts begin after their ids, which are
--            given here: the numbers after the last one. Returns how many there are now; 0 if the
--            lead's events are gone or too many, and then nothing was told
--
-- The text of a pool step ends before its outcome, which only the script that takes the turn knows.
-- In the index an event stands at the organization's time (clock.lua), so that a reader of it who has
-- all of a time that is over has missed nothing.
-- An id is that of the lead, the event's number, and perhaps 40 digits of proof (ids.delivery_id).
-- @include clock

local STORY_MOST = 4096
local STORY_AT_ONCE = 1000  -- texts of one command; the stack of a script holds 8,000 values

-- Return what an answer says by a name. A plain text is found in a fraction of a pattern's time.
local function story_said(answer, name)
  local _, before = string.find(answer, '"' .. name .. '":"', 1, true)
  return before and string.match(answer, '^[^"]*', before + 1)
end

local function story_closed(text, answer)
  if string.sub(text, -1) == '}' then return text end
  local member, pool = story_said(answer, 'member'), story_said(answer, 'pool')
  local ending = pool and ',"pool":"' .. pool .. '"' or ''
  if member then return text .. ending .. ',"outcome":"success","member":"' .. member .. '"}' end
  local reason = story_said(answer, 'reason') or 'not_asked'
  local outcome = reason == 'parked' and 'skip' or 'failure'
  return text .. ending .. ',"outcome":"' .. outcome .. '","reason":"' .. reason .. '"}'
end

-- Count a lead's fields; return whether it was asked for, and whether their day begins with them.
local function story_used(prefix, text)
  local flow, day, fields = string.match(text, '^used (%S+) (%S+)(.*)$')
  if not flow then return false end
  local key, told, number = prefix .. 'flow:' .. flow .. ':fields:' .. day, {}, 0
  for field in string.gmatch(fields, '%S+') do
    number = number + 1
    told[number] = field
  end
  if number == 0 then return true, true end
  local counts = redis.call('HMGET', key, unpack(told))
  for i = number, 1, -1 do
    told[2 * i], told[2 * i - 1] = (counts[i] or 0) + 1, told[i]
  end
  local begun = redis.call('HSET', key, unpack(told)) > 0
  if begun then redis.call('PEXPIRE', key, 3456000000) end
  return true, begun
end

-- Add texts from one number to another to a lead's list and to the index.
local function story_add(list, index, at, told, first, last)
  local texts, ids = {}, {}
  for i = first, last do
    local text = told.texts[i]
    texts[#texts + 1] = story_closed(text, told.answer)
    ids[#ids + 1] = at
    ids[#ids + 1] = string.match(text, '^{"id":"(%x+)"')
  end
  redis.call('RPUSH', list, unpack(texts))
  redis.call('ZADD', index, unpack(ids))
end

local function story_tell(stream, lead, told)
  local prefix = string.sub(stream, 1, -7)
  local counted, begun = story_used(prefix, told.texts[1])
  local index, list = prefix .. 'flow_events', lead .. ':events'
  local at = clock_now(stream, told.at)
  for first = counted and 2 or 1, #told.texts, STORY_AT_ONCE do
    local last = math.min(first + STORY_AT_ONCE - 1, #told.texts)
    story_add(list, index, at, told, first, last)
  end
  redis.call('PEXPIRE', list, told.ttl)
  redis.call('PEXPIRE', index, told.ttl)
  if begun or not counted then
    redis.call('ZREMRANGEBYSCORE', index, '-inf', told.at - told.ttl)
  end
end

local function story_number(text)
  local id = string.match(text, '^{"id":"(%x+)"')
  return tonumber(string.sub(id, 25, #id >= 64 and #id - 40 or #id), 16)
end

local function story_last(list)
  local last = story_number(redis.call('LINDEX', list, -1))
  if last > 0 then return last end
  for _, text in ipairs(redis.call('LRANGE', list, 0, -1)) do
    last = math.max(last, story_number(text))
  end
  return last
end

local function story_more(stream, lead, told)
  local list = lead .. ':events'
  local there = redis.call('LLEN', list)
  if there == 0 or there + #told.texts > STORY_MOST then return 0 end
  local last, texts = story_last(list), {}
  for i, text in ipairs(told.texts) do
    local id = told.id .. string.format('%02x', last + i)
    texts[i] = '{"id":"' .. id .. '",' .. string.sub(text, 2)
  end
  story_tell(stream, lead, {id = told.id, at = told.at, ttl = told.ttl, texts = texts, answer = ''})
  return there + #texts
end
