-- Deployed flows: which version of each is live, and the texts of the last versions.
--
-- deployments_keep(prefix, flows, texts, now, retention, most)   note what is live
--   prefix     before every other key: the hash ``deployed``: flow -> "<version> <ms> <digest>",
--              and a flow's ``flow:<id>:deployed``: "last" -> number, number -> text
--   flows      array of tables: id, digest
--   texts      id -> text, of every flow whose digest is another than the one that is noted
--   retention  how long the versions of a flow are kept that is live no more, ms; its numbers go
--              on where they were if it comes back
--   most       how many versions of a flow are kept
--   Doing it again changes nothing.

local function deployments_keep(prefix, flows, texts, now, retention, most)
  local key, known = prefix .. 'deployed', {}
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do known[flat[i]] = flat[i + 1] end
  for _, flow in ipairs(flows) do
    local told, text = known[flow.id], texts[flow.id]
    known[flow.id] = nil
    if text and string.match(told or '', '(%S+)$') ~= flow.digest then
      local versions = prefix .. 'flow:' .. flow.id .. ':deployed'
      local number = redis.call('HINCRBY', versions, 'last', 1)
      redis.call('HSET', versions, number, text)
      redis.call('HDEL', versions, number - most)
      redis.call('PERSIST', versions)
      redis.call('HSET', key, flow.id, number .. ' ' .. now .. ' ' .. flow.digest)
    end
  end
  for id in pairs(known) do
    redis.call('HDEL', key, id)
    redis.call('PEXPIRE', prefix .. 'flow:' .. id .. ':deployed', retention)
  end
end
