-- What follows on incarnation.lua in most scripts: the epoch and the offset of a channel's stream.
--
-- A stream belongs to one incarnation of Redis. After a restart its epoch is replaced. Where everything written was
-- kept (append-only, fsync on every write) the new epoch remembers where it took over (pe, po): a reader that stands at
-- or below that point lost nothing. In any other case the stream is dropped and every reader is told.
--
-- Where nothing was published there is no key: the epoch follows from the incarnation, the channel's name and the half
-- of the day. So a reader writes nothing, and the first publication finds the epoch that the readers were told, or the
-- one before it. What a channel leaves behind outlives two such halves, and so does the note that it was born, so that
-- no epoch begins a second time.
local HALF_A_DAY = 43200

local function epoch_before_all(meta, incarnation, half)
  return string.sub(redis.sha1hex(incarnation .. ' ' .. half .. ' ' .. meta), 1, 8)
end

-- Whether something was published lately, of which no key is left: whoever deleted it has made a hole.
local function was_born(name, half)
  local born = redis.call('ZSCORE', BORN, name)
  return born and tonumber(born) >= half - 1
end

local function start_over(meta, stream, epoch, incarnation, ttl)
  redis.call('DEL', stream, meta)
  redis.call('HSET', meta, 'e', epoch, 'o', 0, 'i', incarnation)
  redis.call('EXPIRE', meta, ttl)
  return {epoch, 0, false, 0}
end

-- Returns {epoch, offset, previous epoch or false, offset of the takeover, whether nothing was published in the previous
-- epoch}, and whether there is a key.
local function look_up(meta, stream, fresh_epoch, ttl)
  local incarnation = incarnation_of(fresh_epoch)
  local m = redis.call('HMGET', meta, 'e', 'o', 'i', 'pe', 'po', 'first')
  if m[1] and m[3] == incarnation then
    return {m[1], tonumber(m[2]), m[4], tonumber(m[5] or 0), m[6] and true}, true, incarnation
  end
  if m[1] and m[3] and root_of(m[3]) == root_of(incarnation) then
    redis.call('HSET', meta, 'e', fresh_epoch, 'i', incarnation, 'pe', m[1], 'po', m[2])
    redis.call('HDEL', meta, 'first')
    return {fresh_epoch, tonumber(m[2]), m[1], tonumber(m[2])}, true, incarnation
  end
  local half = math.floor(redis.call('TIME')[1] / HALF_A_DAY)
  if m[1] then
    redis.call('DEL', stream, meta)
  elseif was_born(incarnation .. meta, half) or redis.call('EXISTS', stream) == 1 then
    return start_over(meta, stream, fresh_epoch, incarnation, ttl), true, incarnation
  end
  local before = epoch_before_all(meta, incarnation, half - 1)
  return {epoch_before_all(meta, incarnation, half), 0, before, 0, true}, false, incarnation, half
end

-- For who is going to write: the key is there afterwards.
local function open_stream(meta, stream, fresh_epoch)
  local s, is_there, incarnation, half = look_up(meta, stream, fresh_epoch, 2 * HALF_A_DAY)
  if not is_there then
    redis.call('ZADD', BORN, half, incarnation .. meta)
    redis.call('ZREMRANGEBYSCORE', BORN, '-inf', half - 2)
    redis.call('EXPIRE', BORN, 3 * HALF_A_DAY)
    redis.call('HSET', meta, 'e', s[1], 'o', 0, 'i', incarnation, 'pe', s[3], 'po', 0, 'first', 1)
  end
  return s
end

-- A reader that stands ahead of the stream, or of the point where it was taken over, proves that Redis lost a part:
-- a new epoch for everyone. Anybody can claim to have a position: a client is believed about an epoch that was taken
-- over, which ends with that, but not about the present one, which a Redis that did not restart has whole. Nobody is
-- believed about an epoch in which nothing was published.
local function open_for_reader(meta, stream, fresh_epoch, ttl, epoch, offset, is_client)
  local s, is_there, incarnation = look_up(meta, stream, fresh_epoch, ttl)
  if (not is_client and epoch == s[1] and offset > s[2]) or (not s[5] and epoch == s[3] and offset > s[4]) then
    return start_over(meta, stream, fresh_epoch, incarnation, ttl), true
  end
  return s, is_there
end

-- Have a meta key live on while its channel is heard. Rarely a write: with fsync on every write, each costs a turn of
-- the disk.
local function keep_meta(meta, ttl)
  if redis.call('TTL', meta) < ttl / 2 then redis.call('EXPIRE', meta, ttl) end
end
