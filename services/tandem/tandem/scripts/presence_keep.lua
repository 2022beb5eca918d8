-- The clients of one process are still in a channel. KEYS: infos, expiries.
-- ARGV: ttl in ms, then client and info of each.
redis.replicate_commands()
local time = redis.call('TIME')
local until_ms = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[2], until_ms, ARGV[i])
end
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], 2 * ARGV[1]) end
return #ARGV
