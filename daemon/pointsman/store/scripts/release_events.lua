-- Give up the right to read an organization's events, so that the next daemon need not wait.
--
-- KEYS[1]  string: who may read
-- ARGV[1]  the caller's "<token> <holder>"
-- returns  1 if it was the caller's, else 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
