-- Read a run as it stands, and a definition.
--
-- KEYS[1]  hash of the run
-- KEYS[2]  string of the definition
-- returns  {fields, definition}: the run's fields {name, value, ...}, none if there is no such run;
--          the definition's text, or false
return {redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[2])}
