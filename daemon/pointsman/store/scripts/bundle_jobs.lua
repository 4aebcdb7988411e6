-- Put jobs of the outbox together, so that the queue is told of them as one.
--
-- KEYS[1]  outbox of jobs
-- ARGV     of each bundle: when it is due, ms; how many jobs are in it, one or more; id of the entry
--          and text of each
-- returns  {id or 0, ...} of each bundle: that of its entry if all of its jobs are in it
--
-- A job is settled to be in a bundle, if only of one, before the queue is told: so whoever tells it
-- again, or at the same time, tells it the same. An entry that is gone is in another bundle. What
-- was written and is not told of (a lost answer, jobs that were gone) is read like any other entry.
local at, answer = 1, {}
while at < #ARGV do
  local due, count, jobs = ARGV[at], tonumber(ARGV[at + 1]), {}
  for i = at + 2, at + 2 * count, 2 do
    if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then jobs[#jobs + 1] = ARGV[i + 1] end
  end
  local id = #jobs > 0 and
    redis.call('XADD', KEYS[1], '*', 'jobs', table.concat(jobs, ','), 'due', due)
  answer[#answer + 1] = #jobs == count and id or 0
  at = at + 2 + 2 * count
end
return answer
