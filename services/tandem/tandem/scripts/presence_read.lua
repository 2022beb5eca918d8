-- Who is in a channel. KEYS: infos, expiries, leaving. Returns client, info, client, info ...
-- A client whose leave is held back is in it still: if its user comes back, nobody learns of either.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for i = 2, 3 do
  for _, client in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], '(' .. now, '+inf')) do
    local info = redis.call('HGET', KEYS[1], client)
    if info then
      found[#found + 1] = client
      found[#found + 1] = info
    end
  end
end
return found
