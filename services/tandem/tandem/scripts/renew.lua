-- Begin a new epoch: what comes next does not follow on what came last, and every reader is told.
-- KEYS: meta, stream. ARGV: fresh epoch, meta ttl.
local incarnation = redis.call('HGET', 'tandem:boot', 'incarnation') or ''
local s = take_over(KEYS[1], KEYS[2], ARGV[1], 0, false, false, incarnation)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return s[1]
