-- Take the next offset, append, trim, send to the group: one script, so the order in Redis is the order everywhere.
-- KEYS: meta, stream, idempotency key ('' for none)
-- ARGV: fresh epoch, the group's pub/sub channel, body (msgpack fixmap), history size, history ttl, meta ttl, once ttl
-- Returns {epoch, offset, 1 when the idempotency key was seen before}.
if KEYS[3] ~= '' then
  local seen = redis.call('HMGET', KEYS[3], 'e', 'o')
  if seen[1] then return {seen[1], tonumber(seen[2]), 1} end
end

local size, body = tonumber(ARGV[4]), ARGV[3]
local epoch, offset = '', 0
local live = body
if size > 0 then
  local s = open_stream(KEYS[1], KEYS[2], ARGV[1])
  epoch, offset = s[1], s[2] + 1
  redis.call('HSET', KEYS[1], 'o', offset)
  redis.call('EXPIRE', KEYS[1], ARGV[6])
  redis.call('XADD', KEYS[2], 'MAXLEN', size, offset .. '-0', 'b', body)
  redis.call('EXPIRE', KEYS[2], ARGV[5])
  live = string.char(string.byte(body) + 2) .. string.sub(body, 2) .. cmsgpack.pack('offset', offset, 'epoch', epoch)
end
if KEYS[3] ~= '' then
  redis.call('HSET', KEYS[3], 'e', epoch, 'o', offset)
  redis.call('EXPIRE', KEYS[3], ARGV[7])
end
redis.call('PUBLISH', ARGV[2], live)
return {epoch, offset, 0}
