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

-- The first of this user's clients on the way out whose time is not up. Nobody may have swept those whose is: they left.
local waiting = ARGV[3] ~= '' and redis.call('HGET', KEYS[4], ARGV[3]) or ''
local rest, taken = {}, false
for other in string.gmatch(waiting, '%S+') do
  local due = redis.call('ZSCORE', KEYS[3], other)
  if taken and due then
    rest[#rest + 1] = other
  else
    local info = redis.call('HGET', KEYS[1], other)
    redis.call('ZREM', KEYS[3], other)
    redis.call('HDEL', KEYS[1], other)
    if due and tonumber(due) > now then
      taken = true
    elseif info and ARGV[6] ~= '' then
      tell(ARGV[5], cmsgpack.pack({type = 'leave', channel = cmsgpack.unpack(ARGV[6]).channel, info = info}))
    end
  end
end
if #rest > 0 then
  redis.call('HSET', KEYS[4], ARGV[3], table.concat(rest, ' '))
elseif waiting ~= '' then
  redis.call('HDEL', KEYS[4], ARGV[3])
end
if taken or ARGV[6] == '' then return 0 end
tell(ARGV[5], ARGV[6])
return 1
