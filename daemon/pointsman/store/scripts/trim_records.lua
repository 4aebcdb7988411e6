-- Take records that are no longer kept out of the list of their module, some at a time.
--
-- KEYS[1]  the organization's event stream (that of the index is built: see listed.lua)
-- ARGV[1]  module
-- ARGV[2]  "pm:{<organization>}:<kind>:", before the ids of its records (their keys are built)
-- ARGV[3]  records older than this are looked at, by their time of creation in ms
-- ARGV[4]  those up to this time were looked at before, ms
-- ARGV[5]  how many to look at
-- returns  time of the last one that was looked at; 0 if there are no more
-- @include listed
local index = listed_key(KEYS[1], ARGV[1])
local found = redis.call('ZRANGEBYSCORE', index, '(' .. ARGV[4], ARGV[3], 'WITHSCORES', 'LIMIT', 0,
  ARGV[5])
for i = 1, #found, 2 do
  if redis.call('EXISTS', ARGV[2] .. found[i]) == 0 then listed_remove(index, found[i]) end
end
return #found > 0 and tonumber(found[#found]) or 0
