-- Publish: one script, so the order in Redis is the order everywhere.
-- KEYS: meta, stream, idempotency key ('' for none)
-- ARGV: fresh epoch, the group's pub/sub channel, body (msgpack fixmap), history size, history ttl, meta ttl, once ttl
-- Returns {epoch, offset, 1 when the idempotency key was seen before}.
return append(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7])
