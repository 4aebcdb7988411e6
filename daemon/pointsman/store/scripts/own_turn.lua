-- Give a record to whose turn it is, in a published pool or among people whom an action names.
--
-- KEYS[1..5], ARGV[1..2]   as in own.lua
-- KEYS[6..11]  of the pool: its hash, cycle, history, counters, use of its caps, turns held
-- ARGV[3]  the choice (see assignment.lua); its line and owners of before are not asked
-- ARGV[4]  "" for a published pool; else the people as rotation_publish takes them (JSON): they get a
--          pointer of their own, which lives as long as it is used
-- ARGV[5]  how long that is kept after its last turn, ms
-- returns  {status, generation, answer}: "done" with the JSON of the answer; "unknown" (no such
--          record), "none" (nobody may be served), "stale", "gone" or "lost" (see turn.lua); but
--          for "done", no turn was taken
-- @include turn
-- @include rotation
-- @include assignment
-- @include own
local record, generation, told = own_open(KEYS, ARGV)
if told then return told end

local keys = {pool = KEYS[6], cycle = KEYS[7], history = KEYS[8], stats = KEYS[9], caps = KEYS[10],
  held = KEYS[11]}
local choice, own = assignment_read(ARGV[3]), ARGV[4] ~= ''
local stands, pointer = rotation_stands(keys.pool, choice.revision)
if own and stands ~= 'ok' then
  -- No published pool: its own hash stands for the list of those.
  keys.pools = keys.pool
  rotation_publish(keys, cjson.decode(ARGV[4]), false)
  stands, pointer = rotation_stands(keys.pool, choice.revision)
end
if stands ~= 'ok' then return {stands, generation} end

local entry, missing = rotation_take(keys, pointer, {lead = record.id, source = 'system',
  at = record.now, why = choice.why, limit = tonumber(record.limit),
  told = record.owner and ',"v":["' .. record.owner .. '","reassigned"]' or ''}, choice.limits)
if own then
  for _, key in ipairs(rotation_lasting(keys)) do redis.call('PEXPIRE', key, ARGV[5]) end
end
if not entry then return {missing, generation} end
local assignment = own and '' or '{"lead":"' .. record.id .. '","pool":"' ..
  string.match(keys.pool, ':pool:(.+)$') .. '","participant":"' .. entry.participant ..
  '","member":"' .. entry.member .. '","order":' .. entry.order .. ',"turn":' .. entry.turn .. '}'
local answer = own_give(record, entry.member, assignment)
if choice.accept and record.module == 'leads' then
  accept_begin(record.key, entry.order, record.now, choice.accept, 0, '-')
end
return {'done', generation, once_keep(KEYS[5], answer)}
