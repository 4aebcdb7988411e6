-- Doing a thing once: a client re-sends a command whose reply was lost, and gets the first answer.
--
-- once_recall(key)          the first answer to this operation, or nil
-- once_keep(key, answer)    keep ``answer`` (a table of strings and numbers) for ten minutes; return it

local function once_recall(key)
  local kept = redis.call('GET', key)
  return kept and cjson.decode(kept)
end

local function once_keep(key, answer)
  redis.call('SET', key, cjson.encode(answer), 'PX', 600000)
  return answer
end
