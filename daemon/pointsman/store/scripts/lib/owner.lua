-- Who has a lead and by which assignment, for whatever comes after it was made.
--
-- owner_read(key)      the lead as a table: key, id, prefix ("pm:{..}:"), owner, accepted (ms),
--                      parked, and what must hold of its owner: assignment {pool, participant,
--                      member, order, turn} if a pool's history has it, accept (see accept.lua);
--                      nil if there is no such lead
-- owner_end(lead, how, at, by)   note in the pool's history that the lead is not theirs any more
-- owner_give(lead, member, assignment, at, ttl)   give the lead to a member; ``assignment`` is the
--                      JSON of the assignment, or "" if no pool's history has it
-- owner_release(lead, at, ttl)   let nobody have the lead
-- owner_other(key)     somebody else writes the lead's owner: whatever was to follow from its
--                      assignment follows no more
--
-- The lead's own fields: owner; assignment, which is that of the answer to its intake if it is not
-- there; accept, accepted. Keys of its pools are built.
-- @include history
-- @include sticky
-- @include parking

local OWNER_FIELDS = {'pool', 'participant', 'member'}

local function owner_assignment(text)
  if not text or not string.find(text, '"member":', 1, true) then return nil end
  local read = {turn = string.match(text, '"turn":(%d+)'), order = string.match(text, '"order":(%d+)')}
  for _, name in ipairs(OWNER_FIELDS) do
    read[name] = string.match(text, '"' .. name .. '":"([^"]*)"')
  end
  return read
end

local function owner_read(key)
  local kept = redis.call('HMGET', key, 'data', 'owner', 'assignment', 'answer', 'accept',
    'accepted', 'parked', 'deleted')
  if not kept[1] or kept[8] then return nil end
  local lead = {key = key, id = string.sub(key, -24), prefix = string.match(key, '^(.*)lead:'),
    owner = kept[2] or nil, accepted = kept[6] or nil, parked = kept[7] or nil}
  local assignment = owner_assignment(kept[3] or kept[4])
  if assignment and assignment.member == lead.owner then
    lead.assignment, lead.accept = assignment, kept[5] or nil
  end
  return lead
end

local function owner_end(lead, how, at, by)
  local from = lead.assignment
  if not from then return end
  local pool = lead.prefix .. 'pool:' .. from.pool
  local index, row = history_find(pool .. ':history', from.turn, lead.id)
  if not index or string.find(row, ',"e":[', 1, true) then return end
  history_note(pool .. ':history', index, row, '"e":["' .. how .. '",' .. at .. ',' .. by .. ']')
  redis.call('HINCRBY', pool .. ':stats', 'ended:' .. how, 1)
end

local function owner_give(lead, member, assignment, at, ttl)
  redis.call('HSET', lead.key, 'owner', member, 'assignment', assignment, 'updated', at)
  redis.call('HDEL', lead.key, 'accept', 'accepted')
  redis.call('PEXPIRE', lead.key, ttl)
  sticky_move(lead.key, member)
  if lead.parked then parking_leave(lead.key, lead.parked) end
end

local function owner_release(lead, at, ttl)
  redis.call('HSET', lead.key, 'assignment', '', 'updated', at)
  redis.call('HDEL', lead.key, 'owner', 'accept', 'accepted')
  redis.call('PEXPIRE', lead.key, ttl)
  sticky_forget(lead.key)
  redis.call('HDEL', lead.key, 'sticky')
end

local function owner_other(key)
  redis.call('HSET', key, 'assignment', '')
  redis.call('HDEL', key, 'accept', 'accepted')
end
