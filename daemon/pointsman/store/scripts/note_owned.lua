-- Note whose records are, as they are now: doing it again, or late, does no harm.
--
-- KEYS[1]  sorted set of open records by owner (see owned.lua)
-- KEYS[2..]  hashes of records of one module
-- ARGV[1]  "keep": those that changed, if the sorted set is there; "read": of all; "whole": and that
--          was the last of all
-- ARGV[2]  the field that a closed record has, or "-"
-- ARGV[3]  how long the sorted set is kept after its last use, ms
-- returns  1, or 0 if there is nothing to keep
-- @include owned
if ARGV[1] == 'keep' and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 2, #KEYS do owned_note(KEYS[1], KEYS[i], ARGV[2]) end
if ARGV[1] == 'whole' then redis.call('ZADD', KEYS[1], 0, OWNED_WHOLE) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
