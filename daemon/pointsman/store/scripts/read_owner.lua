-- Read who has a lead, by which assignment, and what is to follow from that.
--
-- KEYS[1]  hash of the lead
-- KEYS[2]  hash of the current generation
-- returns  {generation, there, owner, assignment (JSON of it, or its intake's answer), accept,
--          accepted, parked}; texts, "" for what is not there
local kept = redis.call('HMGET', KEYS[1], 'data', 'owner', 'assignment', 'answer', 'accept',
  'accepted', 'parked', 'deleted')
return {tonumber(redis.call('HGET', KEYS[2], 'number') or 0), kept[1] and not kept[8] and 1 or 0,
  kept[2] or '', kept[3] or kept[4] or '', kept[5] or '', kept[6] or '', kept[7] or ''}
