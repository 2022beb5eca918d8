-- Keep that something which tokens say holds no more, and forget what no token can say any longer.
-- KEYS: generations (hash), ends (sorted set). ARGV: subject, generation and seconds of each. Returns how many are kept.
redis.replicate_commands()
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', KEYS[2], old)
  redis.call('HDEL', KEYS[1], old)
end
for i = 1, #ARGV, 3 do
  local subject, generation = ARGV[i], tonumber(ARGV[i + 1])
  local score, before = redis.call('ZSCORE', KEYS[2], subject), redis.call('HGET', KEYS[1], subject)
  redis.call('HSET', KEYS[1], subject, math.max(generation, tonumber(before or 0)))
  redis.call('ZADD', KEYS[2], math.max(now + ARGV[i + 2], tonumber(score or 0)), subject)
end
return redis.call('HLEN', KEYS[1])
