-- Give a record to whoever has the fewest open ones of its module; among equals to the first.
--
-- KEYS[1..5], ARGV[1..2]   as in own.lua
-- KEYS[6]  sorted set of open records by owner (see owned.lua)
-- ARGV[3]  ids of the members who may get it, parted by spaces
-- ARGV[4]  the field that a closed record has, or "-"
-- ARGV[5]  how long the sorted set is kept after its last use, ms
-- returns  {status, generation, answer}: "done" with the JSON of the answer; "unknown" (no such
--          record) or "unread" (the records are to be noted first), and nothing was written
-- @include turn
-- @include assignment
-- @include own
-- @include owned
local record, generation, told = own_open(KEYS, ARGV)
if told then return told end
if not redis.call('ZSCORE', KEYS[6], OWNED_WHOLE) then return {'unread', generation} end

redis.call('ZREM', KEYS[6], record.id)
local least, fewest
for member in string.gmatch(ARGV[3], '%S+') do
  local count = owned_count(KEYS[6], member)
  if not fewest or count < fewest then least, fewest = member, count end
end
local answer = own_give(record, least, '')
owned_note(KEYS[6], record.key, ARGV[4])
redis.call('PEXPIRE', KEYS[6], ARGV[5])
return {'done', generation, once_keep(KEYS[5], answer)}
