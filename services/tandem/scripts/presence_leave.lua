-- A client goes out of a channel. KEYS: infos, expiries, leaving.
-- ARGV: client, how long to hold the leave back in ms, ttl in ms, the group's pub/sub channel, leave message ('' for none)
redis.replicate_commands()
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if tonumber(ARGV[2]) > 0 then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[3], 2 * ARGV[3])
  redis.call('PEXPIRE', KEYS[1], 2 * ARGV[3])
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if ARGV[5] ~= '' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
return 1
