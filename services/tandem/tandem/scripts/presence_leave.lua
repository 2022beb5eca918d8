-- A client goes out of a channel. KEYS: infos, expiries, leaving, away (the clients on the way out, by user).
-- ARGV: client, user, how long to hold the leave back in ms, ttl in ms, the group's pub/sub channel,
-- leave message ('' for none: then nothing is held back). Returns 1 when it has gone.
redis.replicate_commands()
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if tonumber(ARGV[3]) > 0 and ARGV[6] ~= '' then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[1])
  if ARGV[2] ~= '' then
    local away = redis.call('HGET', KEYS[4], ARGV[2])
    redis.call('HSET', KEYS[4], ARGV[2], away and away .. ' ' .. ARGV[1] or ARGV[1])
  end
  for _, key in ipairs({KEYS[1], KEYS[3], KEYS[4]}) do redis.call('PEXPIRE', key, 2 * ARGV[4]) end
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
if ARGV[6] ~= '' then tell(ARGV[5], ARGV[6]) end
return 1
