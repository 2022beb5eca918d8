-- Tell the realtime processes of 0.1 something, and keep it for those that cannot hear it now.
-- KEYS: their log (a stream). ARGV: the group's pub/sub channel, body (msgpack fixmap), length and lifetime of the log.
local body = ARGV[2]
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'b', body)
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[1], string.char(string.byte(body) + 1) .. string.sub(body, 2) .. cmsgpack.pack('id', id))
return id
