-- Publish: one script, so the order in Redis is the order everywhere.
-- KEYS: meta, stream, the idempotency key if there is one (an empty name is nobody's to touch), boot, born
-- ARGV: fresh epoch, the group's pub/sub channel, body (msgpack fixmap), history size, history ttl, meta ttl, once ttl,
-- version ('' for none; 20 digits, since a double has fewer) and what it is a version of, run
-- Returns {epoch, offset, 1 when the idempotency key was seen before, 2 when that version or a later one was published}.
local version = ARGV[8]
if version ~= '' then
  local s = open_stream(KEYS[1], KEYS[2], ARGV[1])
  local last = redis.call('HMGET', KEYS[1], 'v', 've')
  if last[1] and last[2] == ARGV[9] and version <= last[1] then return {s[1], s[2], 2} end
end
local once = #KEYS > 4 and KEYS[3]
local done = append(KEYS[1], KEYS[2], once, ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7])
if version ~= '' then redis.call('HSET', KEYS[1], 'v', version, 've', ARGV[9]) end
return done
