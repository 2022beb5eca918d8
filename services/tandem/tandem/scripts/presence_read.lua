-- Who is in a channel. KEYS: infos, expiries. Returns client, info, client, info ...
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, client in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. now, '+inf')) do
  local info = redis.call('HGET', KEYS[1], client)
  if info then
    found[#found + 1] = client
    found[#found + 1] = info
  end
end
return found
