-- Write records, each if it still is what the write was made from: all of them, or none.
--
-- KEYS[1]  the organization's event stream (other keys of it are built: see records.lua)
-- KEYS[2]  the first answer to this operation
-- KEYS[3]  the organization's outbox
-- KEYS[4+2i..5+2i]  of record i: its hash, the list of its changes
-- ARGV[1]  now, ms
-- ARGV[2]  whose writes they are, as in records.lua
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
local by = records_by(KEYS[1], KEYS[3], ARGV[1], ARGV[2])
return once_keep(KEYS[2], {'done', unpack(records_write(writes, by))})
