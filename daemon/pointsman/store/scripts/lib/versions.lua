-- Versions of workflows and flows: they grow with every published change of what one is.
--
-- versions_keep(key, workflows, now, retention)   note what is published
--   key        hash: id -> "<version> <created> <updated> <content> <gone>"; times are ms,
--              gone is 0 while it is published
--   workflows  array of tables: id, content (digest of what the file says; is_active of a workflow
--              is not in it)
--   retention  how long what is gone keeps its version, ms; it goes on with it if it
--              comes back
--   Doing it again changes nothing.
-- versions_of(key, id)                            the version of a published workflow, as text

local function versions_parsed(told)
  return string.match(told or '', '^(%d+) (%d+) (%d+) (%S+) (%d+)$')
end

local function versions_keep(key, workflows, now, retention)
  local known, flat = {}, redis.call('HGETALL', key)
  for i = 1, #flat, 2 do known[flat[i]] = flat[i + 1] end
  for _, workflow in ipairs(workflows) do
    local version, created, updated, content, gone = versions_parsed(known[workflow.id])
    known[workflow.id] = nil
    if content ~= workflow.content then
      version, updated = string.format('%.0f', (tonumber(version) or 0) + 1), now
    end
    if content ~= workflow.content or gone ~= '0' then
      redis.call('HSET', key, workflow.id, table.concat(
        {version, created or now, updated, workflow.content, '0'}, ' '))
    end
  end
  for id, told in pairs(known) do
    local kept, gone = string.match(told, '^(.*) (%d+)$')
    if gone == '0' then
      redis.call('HSET', key, id, kept .. ' ' .. now)
    elseif tonumber(gone) + retention < tonumber(now) then
      redis.call('HDEL', key, id)
    end
  end
end

local function versions_of(key, id)
  return (versions_parsed(redis.call('HGET', key, id))) or '1'
end
