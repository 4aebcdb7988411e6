-- Publish a generation of one organization: its files, and what they do to the pointers of pools.
--
-- KEYS[1]  hash of the current generation
-- KEYS[2]  string: the data format's number
-- KEYS[3]  string: this operation's first answer
-- ARGV[1]  "pm:{<organization>}:", before every other key (built here: generations, pools, workflows,
--          flows, deployed flows)
-- ARGV[2]  number of the generation that this one replaces; 0: there is none yet
-- ARGV[3]  now, ms
-- ARGV[4]  hash of the files
-- ARGV[5]  who publishes
-- ARGV[6]  the files, compressed
-- ARGV[7]  JSON: path to id of pools whose file was renamed
-- ARGV[8]  JSON: array of pools as rotation_publish and seen_keep take them; ``reset`` true: the
--          pool's next is the first, whatever was
-- ARGV[9]  how long the state of a vanished pool is kept, ms
-- ARGV[10] how many generations are kept
-- ARGV[11] the data format's number that the caller writes
-- ARGV[12] channel that tells nodes "<organization> <number>"
-- ARGV[13] the organization's id
-- ARGV[14] JSON: array of ids of vanished pools whose state is removed at once
-- ARGV[15] "write" if the files are still to be written to the publisher's tree, else ""
-- ARGV[16] JSON: array of workflows as versions_keep takes them
-- ARGV[17] JSON: array of ids of vanished pools of which the history alone is kept
-- ARGV[18] how long that is kept, ms
-- ARGV[19] JSON: array of flows as versions_keep takes them
-- ARGV[20] what of the flows is live, compressed; "" if it is what the files say
-- ARGV[21] JSON: array of live flows as deployments_keep takes them
-- ARGV[22] how many deployed versions of a flow are kept
-- ARGV[23] and on: id and text of each flow that becomes live as it was not
-- returns  {"published", number}; {"conflict", current number}; {"format", number of a newer one}
-- @include once
-- @include rotation
-- @include parking
-- @include seen
-- @include versions
-- @include deployments
local first = once_recall(KEYS[3])
if first then return first end

local format = redis.call('GET', KEYS[2])
if format and tonumber(format) > tonumber(ARGV[11]) then return {'format', tonumber(format)} end
local parent = tonumber(redis.call('HGET', KEYS[1], 'number') or 0)
if parent ~= tonumber(ARGV[2]) then return {'conflict', parent} end

local number = parent + 1
local about = {'number', number, 'hash', ARGV[4], 'parent', parent, 'author', ARGV[5],
  'at', ARGV[3], 'pool_ids', ARGV[7], 'kind', ARGV[15]}
redis.call('SET', KEYS[2], ARGV[11])
redis.call('HSET', KEYS[1], unpack(about))
redis.call('HSET', ARGV[1] .. 'generation:' .. number, 'files', ARGV[6],
  'deployed', ARGV[20], unpack(about))
redis.call('DEL', ARGV[1] .. 'generation:' .. (number - tonumber(ARGV[10])))

local kept = {}
for _, pool in ipairs(cjson.decode(ARGV[8])) do
  kept[pool.id] = true
  local keys = rotation_keys(ARGV[1], pool.id)
  rotation_publish(keys, pool, pool.reset == true)
  seen_keep(keys.pool .. ':seen', pool, ARGV[3])
  parking_wake(ARGV[1], pool.id, number)
end
local erased, archived = {}, {}
for _, id in ipairs(cjson.decode(ARGV[14])) do erased[id] = true end
for _, id in ipairs(cjson.decode(ARGV[17])) do archived[id] = true end
for _, id in ipairs(redis.call('HKEYS', ARGV[1] .. 'pools')) do
  local keys = rotation_keys(ARGV[1], id)
  if erased[id] and not kept[id] then
    rotation_erase(keys, id)
    redis.call('UNLINK', keys.pool .. ':seen')
  elseif archived[id] and not kept[id] then
    rotation_archive(keys, id, ARGV[3], tonumber(ARGV[18]))
    redis.call('UNLINK', keys.pool .. ':seen')
  elseif not kept[id] then
    rotation_remove(keys, id, ARGV[3], tonumber(ARGV[9]))
    seen_remove(keys.pool .. ':seen', tonumber(ARGV[9]))
  end
end
versions_keep(ARGV[1] .. 'workflows', cjson.decode(ARGV[16]), ARGV[3], tonumber(ARGV[9]))
versions_keep(ARGV[1] .. 'flows', cjson.decode(ARGV[19]), ARGV[3], tonumber(ARGV[9]))
redis.call('PUBLISH', ARGV[12], ARGV[13] .. ' ' .. number)
local texts = {}
for i = 23, #ARGV, 2 do texts[ARGV[i]] = ARGV[i + 1] end
deployments_keep(ARGV[1], cjson.decode(ARGV[21]), texts, ARGV[3], tonumber(ARGV[9]),
  tonumber(ARGV[22]))
return once_keep(KEYS[3], {'published', number})
