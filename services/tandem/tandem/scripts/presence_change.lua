-- Clients come into a channel and go out of it, in the order of the arguments. KEYS: infos, expiries, leaving (when the
-- leave of each that is held back is due), away (the clients whose leave is held back, by user).
-- ARGV: channel, the group's pub/sub channel, '1' to tell everyone, ttl in ms, then of each change: how long to hold a
-- leave back in ms or '' for a join, client, info (JSON), user. Returns of each whether it has come, or gone, for others.
redis.replicate_commands()
local infos, expiries, leaving, away = unpack(KEYS)
local channel, group, is_told, ttl = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function announce(kind, info)
  if is_told then tell(group, cmsgpack.pack({type = kind, channel = channel, info = info})) end
end

-- Have *user* be back: the first of the clients on the way out whose time is not up makes room, and nobody learns of
-- either. Nobody may have swept those whose time is up: they left.
local function take_place(user)
  local waiting = user ~= '' and redis.call('HGET', away, user)
  if not waiting then return false end
  local rest, taken = {}, false
  for other in string.gmatch(waiting, '%S+') do
    local due = redis.call('ZSCORE', leaving, other)
    if taken and due then
      rest[#rest + 1] = other
    else
      local info = redis.call('HGET', infos, other)
      redis.call('ZREM', leaving, other)
      redis.call('HDEL', infos, other)
      if due and tonumber(due) > now then
        taken = true
      elseif info then
        announce('leave', info)
      end
    end
  end
  if #rest > 0 then
    redis.call('HSET', away, user, table.concat(rest, ' '))
  else
    redis.call('HDEL', away, user)
  end
  return taken
end

local function enter(client, info, user)
  redis.call('HSET', infos, client, info)
  redis.call('ZADD', expiries, now + ttl, client)
  if take_place(user) then return 0 end
  announce('join', info)
  return 1
end

local function leave(client, info, user, hold)
  if redis.call('HEXISTS', infos, client) == 0 then return 0 end
  redis.call('ZREM', expiries, client)
  if hold > 0 and is_told then
    redis.call('ZADD', leaving, now + hold, client)
    local others = redis.call('HGET', away, user)
    redis.call('HSET', away, user, others and others .. ' ' .. client or client)
    return 0
  end
  redis.call('HDEL', infos, client)
  announce('leave', info)
  return 1
end

local done = {}
for i = 5, #ARGV, 4 do
  local hold, client, info, user = unpack(ARGV, i, i + 3)
  if hold == '' then
    done[#done + 1] = enter(client, info, user)
  else
    done[#done + 1] = leave(client, info, user, tonumber(hold))
  end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, 2 * ttl) end
return done
