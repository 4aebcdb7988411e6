-- Assigning a lead through a pool's turn, whatever the pool has; include turn before.
--
-- assignment_read(choice)   the pool as it was decided on
--   choice    up to four lines. "<revision> <why>": the pool's revision that was decided with, and
--             the inside of a JSON object telling how the pool was found. For a pool that has any,
--             its limits of now (see limits.lua). For one whose leads may wait or be known again:
--             "<line> <till> <by> <ttl> <charge> <marks>": the pool in whose line to wait (or "-")
--             and when anybody may be back, ms (see parking.lua); the others as in sticky.lua. For
--             one whose leads are to be accepted: what accept.lua reads.
--   returns   table: revision, why, limits; parking, by, ttl, charge, marks; accept
-- assignment_try(keys, choice, turn)
--   keys      table: pool, cycle, history, stats; with limits: caps, held
--   choice    what assignment_read returned
--   turn      table: lead, key (of the lead), source, at, limit; parked: the lead's field of that
--             name, if it has one; drained: true if it is the first of its line
--   returns   status, answer, member. "assigned": answer is its JSON. "none": nobody may be served,
--             answer is that as JSON, or nil if another pool will be asked. "parked": the lead waits
--             in line, answer is that as JSON. "stale", "gone", "lost": no answer. Without one
--             nothing was written.
-- @include plain
-- @include sticky
-- @include parking
-- @include accept

local function assignment_read(choice)
  local read = plain_read(choice)
  if not string.find(choice, '\n', 1, true) then return read end
  local lines = {}
  for line in string.gmatch(choice .. '\n', '(.-)\n') do lines[#lines + 1] = line end
  read.limits, read.accept = limits_read(lines[2]), accept_read(lines[4])
  if not lines[3] or lines[3] == '' then return read end
  local line, till
  line, till, read.by, read.ttl, read.charge, read.marks =
    string.match(lines[3], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  if line ~= '-' then read.parking = {pool = line, till = till} end
  return read
end

-- Return whether others wait already: "own" in this pool's line, "line" in that of the lead.
local function assignment_ahead(keys, choice, turn)
  if not choice.parking or turn.drained then return nil end
  local own = string.match(keys.pool, ':pool:(.+)$') == choice.parking.pool
  if parking_waiting(string.match(keys.pool, '^(.*):[^:]+$') .. ':' .. choice.parking.pool) > 0 then
    return 'line'
  end
  return not own and parking_waiting(keys.pool) > 0 and 'own' or nil
end

local function assignment_park(keys, choice, turn, wake)
  local before = parking_read(turn.parked)
  if before and choice.parking and before.pool ~= choice.parking.pool then
    parking_leave(turn.key, turn.parked)
  end
  if not (choice.parking and parking_add(choice.parking, turn, wake)) then
    return 'none', plain_nobody(keys, turn, 'no_eligible_participant')
  end
  return 'parked', plain_nobody({pool = ':pool:' .. choice.parking.pool}, turn, 'parked')
end

-- Serve the lead's owner or whoever is next; return their entry, or nil and why not.
local function assignment_serve(keys, choice, pointer, turn)
  local sticky = sticky_read(choice.marks, choice.by, choice.ttl, choice.charge)
  if sticky then
    turn.owner, turn.charge = sticky_find(keys, sticky, choice.limits), sticky.charge
    turn.told = turn.told .. sticky.told
  end
  local entry, missing = rotation_take(keys, pointer, turn, choice.limits)
  if entry and sticky then sticky_keep(keys.pool, sticky, turn.key, entry) end
  return entry, missing
end

local function assignment_try(keys, choice, turn)
  local stands, pointer = rotation_stands(keys.pool, choice.revision)
  if stands ~= 'ok' then return stands end
  turn.why, turn.marks, turn.told = choice.why, choice.marks, turn.told or ''
  local ahead = assignment_ahead(keys, choice, turn)
  if ahead == 'line' then
    local free = rotation_waiting(keys, choice.limits, pointer.credits) or
      rotation_find(keys, pointer, choice.limits)
    return assignment_park(keys, choice, turn, free)
  end
  local entry, missing
  if not ahead then entry, missing = assignment_serve(keys, choice, pointer, turn) end
  if missing == 'lost' then return 'lost' end
  if not entry then
    if choice.limits and choice.limits.otherwise then return 'none' end
    return assignment_park(keys, choice, turn, false)
  end
  if turn.parked then parking_leave(turn.key, turn.parked) end
  if choice.accept then accept_begin(turn.key, entry.order, turn.at, choice.accept, 0, '-') end
  return 'assigned', plain_assigned(keys, turn, entry), entry.member
end
