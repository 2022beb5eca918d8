-- A client comes into a channel. KEYS: infos, expiries, leaving.
-- ARGV: client, info (JSON), user, ttl in ms, the group's pub/sub channel, join message ('' for none)
-- Where the same user is on the way out, nobody learns of either. Returns 1 when the join was sent.
redis.replicate_commands()
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[1])
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], 2 * ARGV[4]) end

local returns = false
if ARGV[3] ~= '' then
  for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    local info = redis.call('HGET', KEYS[1], other)
    if info and cjson.decode(info).user == ARGV[3] then
      redis.call('ZREM', KEYS[3], other)
      redis.call('HDEL', KEYS[1], other)
      returns = true
    end
  end
end
if returns or ARGV[6] == '' then return 0 end
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
