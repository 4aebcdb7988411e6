-- Read runs as they stand, and a definition.
--
-- KEYS[1]  string of the definition
-- KEYS[2..] hash of each run; its record's place is a string there if an earlier version began it
--          (then the hash is built: see runs.lua)
-- ARGV[1]  "pm:{<organization>}:"
-- returns  {definition, fields..}: the definition's text, or false; of each run its fields {name,
--          value, ...}, none if there is no such run
-- @include runs
local answer = {redis.call('GET', KEYS[1])}
for i = 2, #KEYS do
  local fields = redis.pcall('HGETALL', KEYS[i])
  if fields.err then
    local record = runs_record(ARGV[1], redis.call('GET', KEYS[i]) or '')
    fields = redis.call('HGETALL', record .. string.match(KEYS[i], ':run:[^:]+$'))
  end
  answer[i] = fields
end
return answer
