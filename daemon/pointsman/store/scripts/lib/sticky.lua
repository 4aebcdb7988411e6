-- Sticky owners: a lead of a person who was here before goes to whoever has them; after turn.
--
-- sticky_read(marks, by, ttl, charge)   how this lead can be known again; nil if it cannot
--   marks     "email=<keyed hash>,phone=<keyed hash>..", or "-": all that is known of the lead
--   by        "email,phone": the kinds that count in this pool, in this order; or "-"
--   ttl       how long an owner is remembered after the last lead, ms
--   charge    "1": a lead of their own is a turn of the owner's, taken ahead
-- sticky_find(keys, sticky, limits)      the owner's entry, if they may be served now; and notes in
--                                        ``sticky`` what the history tells of it
-- sticky_keep(pool, sticky, lead, entry) remember who owns these marks now
--   lead      key of the lead; its field "sticky" tells an erasure what it put where
-- sticky_move(lead, member)              the lead has another owner now
-- sticky_forget(lead)                    the lead is erased: forget what no other lead needs
--
-- Builds keys, all of the same organization, from that of the pool or the lead:
-- owner    "pm:{..}:pool:<id>:owner:<keyed hash>", string: "<member> <position> <born> <leads>":
--          who; where in the cycle they were when it was written; the lead that it began with; how
--          many leads since then put it there and are not erased. Lives for ttl.

local function sticky_read(marks, by, ttl, charge)
  local sticky = {ttl = ttl, charge = charge == '1', marks = {}, told = ''}
  for wanted in string.gmatch(marks and by or '', '%l+') do
    for kind, hash in string.gmatch(marks, '(%l+)=(%x+)') do
      if kind == wanted then sticky.marks[#sticky.marks + 1] = {kind = kind, hash = hash} end
    end
  end
  return sticky.marks[1] and sticky
end

local function sticky_parse(text)
  local member, position, born, leads = string.match(text or '', '^(%S+) (%d+) (%x+) (%d+)$')
  return member and {member = member, position = position, born = born, leads = tonumber(leads)}
end

local function sticky_write(key, owner, ...)
  redis.call('SET', key, owner.member .. ' ' .. owner.position .. ' ' .. owner.born .. ' ' ..
    owner.leads, ...)
end

-- Return a member's entry and position, wherever a change of the cycle has put them.
local function sticky_place(cycle, owner)
  local text = redis.call('HGET', cycle, owner.position)
  local entry = text and rotation_entry(text)
  if entry and entry.member == owner.member then return entry, owner.position end
  local flat = redis.call('HGETALL', cycle)
  for i = 1, #flat, 2 do
    entry = rotation_entry(flat[i + 1])
    if entry.member == owner.member then return entry, flat[i] end
  end
end

local function sticky_find(keys, sticky, limits)
  local names, found = {}, nil
  for i, mark in ipairs(sticky.marks) do
    mark.key = keys.pool .. ':owner:' .. mark.hash
    names[i] = mark.key
  end
  for i, text in ipairs(redis.call('MGET', unpack(names))) do
    local mark = sticky.marks[i]
    mark.owner = sticky_parse(text)
    if mark.owner and not found then found = mark end
  end
  if not found then return nil end
  local entry, position = sticky_place(keys.cycle, found.owner)
  local reason = 'not_in_pool'
  if entry then reason = entry.reason or limits_reason(limits, keys.caps, entry) end
  if not reason then
    entry.position, entry.sticky = position, true
    sticky.told = ',"y":"' .. found.kind .. '"'
    return entry
  end
  sticky.told = ',"x":["' .. found.kind .. '","' .. found.owner.member .. '","' .. reason .. '"]'
end

local function sticky_keep(pool, sticky, lead, entry)
  local id = string.sub(lead, -24)
  local kept = redis.call('HGET', lead, 'sticky') or ''
  for _, mark in ipairs(sticky.marks) do
    local owner = mark.owner or {born = id, leads = 0}
    owner.member, owner.position = entry.member, entry.position
    local own = string.match(pool, ':pool:(.+)$') .. ':' .. mark.hash .. '=' .. owner.born
    if not string.find(kept, own, 1, true) then
      kept = kept .. (kept == '' and '' or ' ') .. own
      owner.leads = owner.leads + 1
    end
    sticky_write(pool .. ':owner:' .. mark.hash, owner, 'PX', sticky.ttl)
  end
  redis.call('HSET', lead, 'sticky', kept)
end

-- Call ``change`` with the key and owner of everything that a lead put somewhere and is still there.
local function sticky_each(lead, change)
  local prefix = string.match(lead, '^(.*)lead:')
  for pool, hash, born in string.gmatch(redis.call('HGET', lead, 'sticky') or '',
    '([^: ]+):(%x+)=(%x+)') do
    local key = prefix .. 'pool:' .. pool .. ':owner:' .. hash
    local owner = sticky_parse(redis.call('GET', key))
    if owner and owner.born == born then change(key, owner) end
  end
end

local function sticky_move(lead, member)
  sticky_each(lead, function(key, owner)
    owner.member = member
    sticky_write(key, owner, 'KEEPTTL')
  end)
end

local function sticky_forget(lead)
  sticky_each(lead, function(key, owner)
    owner.leads = owner.leads - 1
    if owner.leads < 1 then
      redis.call('DEL', key)
    else
      sticky_write(key, owner, 'KEEPTTL')
    end
  end)
end
