-- When a pool and its parts were first seen in a published generation, and when last changed.
--
-- seen_keep(key, spec, now)   note a pool that is published
--   spec      table: file (digest of its definition; else its revision counts), parts (id to digest
--             of participants and connections; absent: they are as they were), by (who makes it;
--             absent: a file)
--   Doing it again changes nothing.
-- seen_remove(key, retention) the pool is published no more: forget it in ``retention`` ms
--
-- key       hash: created, updated (ms), file (digest), by, <part id> -> "created updated digest"

local SEEN_OWN = {created = true, updated = true, file = true, by = true}

local function seen_parts(key, parts, now)
  local known, flat = {}, redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    if not SEEN_OWN[flat[i]] then known[flat[i]] = flat[i + 1] end
  end
  for id, digest in pairs(parts) do
    local created, last = string.match(known[id] or '', '^(%d+) %d+ (.*)$')
    if last ~= digest then
      redis.call('HSET', key, id, (created or now) .. ' ' .. now .. ' ' .. digest)
    end
    known[id] = nil
  end
  for id in pairs(known) do redis.call('HDEL', key, id) end
end

local function seen_keep(key, spec, now)
  redis.call('PERSIST', key)
  local digest = spec.file or spec.revision
  if redis.call('HGET', key, 'file') == digest then return end
  if redis.call('HSETNX', key, 'created', now) == 1 and spec.by then
    redis.call('HSET', key, 'by', spec.by)
  end
  redis.call('HSET', key, 'updated', now, 'file', digest)
  if spec.parts then seen_parts(key, spec.parts, now) end
end

local function seen_remove(key, retention)
  if redis.call('TTL', key) == -1 then redis.call('PEXPIRE', key, retention) end
end
