-- Giving a turn back, once: the participant is first in line again, and their caps are as if the
-- turn had not been; after owner and turn.
--
-- credit_give(prefix, from, at, by)
--   from      table: pool, turn, member, lead
--   by        who does it, as JSON
--   returns   {at, turn, caps, again}: 1 or 0 turns (none if it took none), the windows of caps whose
--             use was given back, and whether all of it was done before; or nil and why not:
--             "forgotten" (the history is not kept so far back), "stranger" (the turn was another
--             lead's or member's), "outside" (they are not in the pool any more), and then nothing
--             was written
-- If it gave anything back, a lead that waits in the pool's line may be served now (parking.lua).

-- Return the first entry of a member in a cycle and its position.
local function credit_place(cycle, member)
  local best, place, flat = nil, nil, redis.call('HGETALL', cycle)
  for i = 1, #flat, 2 do
    local position = tonumber(flat[i])
    if (not place or position < place) and string.find(flat[i + 1], member, 1, true) then
      local entry = rotation_entry(flat[i + 1])
      if entry.member == member then best, place = entry, position end
    end
  end
  return best, place
end

local function credit_done(row)
  local at, turn, caps = string.match(row, ',"d":%[(%d+),([01]),(%d+),')
  return at and {at = at, turn = tonumber(turn), caps = tonumber(caps), again = true}
end

local function credit_give(prefix, from, at, by)
  local pool = prefix .. 'pool:' .. from.pool
  local index, row = history_find(pool .. ':history', from.turn, from.lead)
  if not index then return nil, 'forgotten' end
  if string.match(row, '"m":"([^"]*)"') ~= from.member then return nil, 'stranger' end
  local done = credit_done(row)
  if done then return done end
  local there = redis.call('HMGET', pool, 'revision', 'gone')
  if not there[1] or there[2] then return nil, 'outside' end
  local entry, place = credit_place(pool .. ':cycle', from.member)
  local took = not string.find(row, ',"u":1', 1, true)
  if took and not (entry and entry.reason ~= 'weight_zero') then return nil, 'outside' end
  if took then
    redis.call('RPUSH', pool .. ':held', place .. ' ' .. entry.order .. ' credit ' ..
      entry.participant)
    redis.call('HSET', pool, 'credits', 1)
    moves_note(pool, 'credit', ',"m":"' .. from.member .. '","by":' .. by)
  end
  local mask = string.match(row, ',"i":(%d+)')
  local caps = 0
  if mask and entry then
    caps = limits_return(pool .. ':caps', entry.participant, tonumber(mask),
      string.match(row, '"a":(%d+)'))
  end
  local turn = took and 1 or 0
  history_note(pool .. ':history', index, row, '"d":[' .. at .. ',' .. turn .. ',' .. caps .. ',' ..
    by .. ']')
  redis.call('HINCRBY', pool .. ':stats', 'credited:all', 1)
  redis.call('HINCRBY', pool .. ':stats', 'credited:' .. from.member, 1)
  if turn + caps > 0 then parking_wake(prefix, from.pool, from.lead .. from.turn) end
  return {at = at, turn = turn, caps = caps, again = false}
end
