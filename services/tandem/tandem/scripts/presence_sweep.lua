-- Let those go whose process died or whose leave was held back long enough. KEYS: infos, expiries, leaving, away.
-- ARGV: channel, the group's pub/sub channel, '1' to send the leaves. Returns how many went.
redis.replicate_commands()
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Nobody can take the place of *client* any more.
local function forget_away(user, client)
  local rest = {}
  for other in string.gmatch(redis.call('HGET', KEYS[4], user) or '', '%S+') do
    if other ~= client then rest[#rest + 1] = other end
  end
  if #rest == 0 then
    redis.call('HDEL', KEYS[4], user)
  else
    redis.call('HSET', KEYS[4], user, table.concat(rest, ' '))
  end
end

local gone = 0
for i = 2, 3 do
  for _, client in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', now)) do
    local info = redis.call('HGET', KEYS[1], client)
    redis.call('ZREM', KEYS[i], client)
    redis.call('HDEL', KEYS[1], client)
    if info then
      if i == 3 then forget_away(cjson.decode(info).user, client) end
      if ARGV[3] == '1' then
        tell(ARGV[2], cmsgpack.pack({type = 'leave', channel = ARGV[1], info = info}))
      end
    end
    gone = gone + 1
  end
end
return gone
