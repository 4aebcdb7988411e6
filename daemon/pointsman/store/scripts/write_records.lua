-- Write records, each if it still is what the write was made from: all of them, or none.
--
-- KEYS[1]  the organization's event stream (other keys of it are built: see records.lua)
-- KEYS[2]  the first answer to this operation
-- KEYS[3]  the organization's outbox
-- KEYS[4+2i..5+2i]  of record i: its hash, the list of its changes
-- ARGV[1]  now, ms
-- ARGV[2]  "<origin of the change> <depth> <record ttl> <log ttl> <ttl of what is deleted>"
-- ARGV[3+8i..10+8i]  of record i: its write, as in records.lua; each record once
-- returns  {"done", revision..}; {"conflict", i} (record i was changed meanwhile), {"exists", i} or
--          {"unknown", i}, and nothing was written
-- @include records
-- @include once
local first = once_recall(KEYS[2])
if first then return first end

local writes = records_read(KEYS, 4, ARGV, 3, (#KEYS - 3) / 2)
local hindered, place = records_hindered(writes)
if hindered then return {hindered, place} end
local by = {stream = KEYS[1], outbox = KEYS[3], now = clock_now(KEYS[1], ARGV[1])}
by.origin, by.depth, by.ttl, by.log_ttl, by.deleted_ttl =
  string.match(ARGV[2], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
return once_keep(KEYS[2], {'done', unpack(records_write(writes, by))})
