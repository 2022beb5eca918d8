-- A client comes into a channel. KEYS: infos, expiries, leaving, away.
-- ARGV: client, info (JSON), user, ttl in ms, the group's pub/sub channel, join message ('' for none)
-- Takes the place of a client of the same user that is on the way out, if there is one: nobody learns of either.
-- Returns 1 when the join was sent.
redis.replicate_commands()
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[1])
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], 2 * ARGV[4]) end

local away = ARGV[3] ~= '' and redis.call('HGET', KEYS[4], ARGV[3])
if away then
  local other, rest = string.match(away, '^(%S+) ?(.*)$')
  redis.call('ZREM', KEYS[3], other)
  redis.call('HDEL', KEYS[1], other)
  if rest == '' then redis.call('HDEL', KEYS[4], ARGV[3]) else redis.call('HSET', KEYS[4], ARGV[3], rest) end
end
if away or ARGV[6] == '' then return 0 end
tell(ARGV[5], ARGV[6])
return 1
