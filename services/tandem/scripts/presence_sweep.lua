-- Let those go whose process died or whose leave was held back long enough. KEYS: infos, expiries, leaving.
-- ARGV: channel, the group's pub/sub channel, '1' to send the leaves. Returns how many went.
redis.replicate_commands()
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local gone = 0
for i = 2, 3 do
  for _, client in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', now)) do
    local info = redis.call('HGET', KEYS[1], client)
    redis.call('ZREM', KEYS[i], client)
    redis.call('HDEL', KEYS[1], client)
    if info and ARGV[3] == '1' then
      redis.call('PUBLISH', ARGV[2], cmsgpack.pack({type = 'leave', channel = ARGV[1], info = info}))
    end
    gone = gone + 1
  end
end
return gone
