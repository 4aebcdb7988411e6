-- One change of one record: an entry of its log and of the organization's event stream.
--
-- record_change(log, stream, change)
--   log       list of the record's changes
--   stream    the organization's event stream
--   change    table: types ("lead_created,lead_assigned"), module, id, revision, origin, depth,
--             at (milliseconds), previous (JSON text of the changed fields' earlier values), ttl
--             (milliseconds that the log is kept); told (more for the log: ",\"by\":.." of who asked
--             for it, ",\"note\":.." of why)
--
-- The stream holds ids and names only; earlier values stay in the record's log. The time is the
-- organization's (clock_now): a script that writes it elsewhere too asks for it before.
-- @include clock

local function record_change(log, stream, change)
  local at = clock_now(stream, change.at)
  redis.call('RPUSH', log, '{"revision":' .. change.revision .. ',"types":"' .. change.types ..
    '","at":' .. at .. ',"origin":"' .. change.origin .. '","depth":' .. change.depth ..
    ',"previous":' .. change.previous .. (change.told or '') .. '}')
  redis.call('PEXPIRE', log, change.ttl)
  return redis.call('XADD', stream, '*', 'e', change.types .. ' ' .. change.module .. ' ' ..
    change.id .. ' ' .. change.revision .. ' ' .. change.origin .. ' ' .. change.depth .. ' ' ..
    at)
end
