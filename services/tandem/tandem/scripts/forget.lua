-- Let idempotency keys of one channel go soon: their rows are deleted.
-- KEYS: the keys. ARGV: in how many seconds.
for i = 1, #KEYS do redis.call('EXPIRE', KEYS[i], ARGV[1]) end
return #KEYS
