-- Tell what came later of a lead that arrived.
--
-- KEYS[1]  hash of the lead; "<lead>:events" is built (see story.lua)
-- KEYS[2]  the organization's event stream; "flow_events" is built
-- KEYS[3]  the first answer to this operation
-- ARGV[1]  now, ms
-- ARGV[2]  how long events are kept, ms
-- ARGV[3..] the events (see story.lua)
-- returns  {how many events there are now}; {0}: they are gone or too many, and nothing was told
-- @include story
-- @include once
local first = once_recall(KEYS[3])
if first then return first end
local texts = {}
for i = 3, #ARGV do texts[#texts + 1] = ARGV[i] end
local there = story_more(KEYS[2], KEYS[1], {id = string.sub(KEYS[1], -24), at = ARGV[1],
  ttl = tonumber(ARGV[2]), texts = texts})
return once_keep(KEYS[3], {there})
