-- Runs whose steps were done before the run is stored: nobody has seen of them yet what they write.
--
-- done_read(keys, key, argv, arg)   the steps of a run as a script has them
--   keys[key..]  of its writes, as in records.lua
--   argv[arg]    "<steps> <writes> <step> <attempt> <began>": how many of both there are; where the
--                run stands at its end, and since when, ms
--   argv[arg+1]  steps that failed for good, from 1, parted by spaces
--   argv[arg+2]  whose the writes are, as in records.lua
--   argv[arg+3..]  JSON of the records of the steps; then the writes, as in records.lua
--   returns      table: fields (of the run's hash), writes, failed, told; and the places after these
-- done_store(done, id, shared, stream, dead)   write what they write; shared is that of begin.lua
-- @include records
-- @include dead

local function done_read(keys, key, argv, arg)
  local steps, count, step, attempt, began =
    string.match(argv[arg], '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  local fields = {'token', 1, 'step', step, 'attempt', attempt, 'began', began, 'settled', '1:0:1'}
  for i = 1, steps do
    fields[#fields + 1] = 'step:' .. (i - 1)
    fields[#fields + 1] = argv[arg + 2 + i]
  end
  local next = arg + 3 + steps
  return {fields = fields, failed = argv[arg + 1], told = argv[arg + 2],
    writes = records_read(keys, key, argv, next, tonumber(count))}, key + 2 * count, next + 8 * count
end

local function done_store(done, id, shared, stream, dead)
  for failed in string.gmatch(done.failed, '%d+') do
    dead_add(dead, id .. ':' .. failed, shared.now, shared.kept)
  end
  if #done.writes == 0 then return end
  records_write(done.writes, records_by(stream, shared.outbox, shared.now, done.told))
end
