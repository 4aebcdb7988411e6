-- Read records, with as much of their changes as is asked for.
--
-- KEYS[1]     hash of the current generation
-- KEYS[2i]    hash of a record
-- KEYS[2i+1]  list of its changes
-- ARGV[i]     how far back its changes are wanted: down to this revision's; 0 for all; -1 for none
--             (nor are there any to undo where the first revision is wanted and is the last)
-- returns     {generation, record...}; a record is {value.., changes}: its data, revision, times of
--             creation and last change, owner, source, origin, answer, assignment, who made it, and
--             when it was deleted; or false if it is unknown
local answer = {tonumber(redis.call('HGET', KEYS[1], 'number') or 0)}
for i, wanted in ipairs(ARGV) do
  local fields = redis.call('HMGET', KEYS[2 * i], 'data', 'revision', 'created', 'updated', 'owner',
    'source', 'origin', 'answer', 'assignment', 'by', 'deleted')
  local back = wanted == '0' and 0 or tonumber(fields[2] or 0) - tonumber(wanted) + 1
  if not fields[1] then
    answer[i + 1] = false
  else
    local changes = {}
    local untouched = wanted == '1' and fields[2] == '1'
    if wanted == '0' or (wanted ~= '-1' and back > 0 and not untouched) then
      changes = redis.call('LRANGE', KEYS[2 * i + 1], -back, -1)
    end
    fields[#fields + 1] = changes
    answer[i + 1] = fields
  end
end
return answer
