-- What every script begins with: the epoch and the offset of a channel's stream.
--
-- A stream belongs to one incarnation of Redis. After a restart its epoch is replaced. Where everything written was
-- kept (append-only, fsync on every write) the new epoch remembers where it took over (pe, po): a reader that stands at
-- or below that point lost nothing. In any other case the stream is dropped and every reader is told.

local function take_over(meta, stream, epoch, offset, old, kept, incarnation)
  if old and kept then
    redis.call('HSET', meta, 'e', epoch, 'o', offset, 'i', incarnation, 'pe', old, 'po', offset)
    return {epoch, offset, old, offset}
  end
  redis.call('DEL', stream, meta)
  redis.call('HSET', meta, 'e', epoch, 'o', 0, 'i', incarnation)
  return {epoch, 0, false, 0}
end

-- Returns {epoch, offset, previous epoch or false, offset of the takeover}.
local function open_stream(meta, stream, fresh_epoch)
  local boot = redis.call('HMGET', 'tandem:boot', 'incarnation', 'kept')
  local incarnation = boot[1] or ''
  local m = redis.call('HMGET', meta, 'e', 'o', 'i', 'pe', 'po')
  if m[1] and m[3] == incarnation then
    return {m[1], tonumber(m[2]), m[4], tonumber(m[5] or 0)}
  end
  return take_over(meta, stream, fresh_epoch, tonumber(m[2] or 0), m[1], boot[2] == '1', incarnation)
end

-- A reader that stands ahead of the stream, or of the point where it was taken over, proves that Redis lost a part:
-- a new epoch for everyone. Anybody can claim to have a position: a client is believed about an epoch that was taken
-- over, which ends with that, but not about the present one, which a Redis that did not restart has whole.
local function open_for_reader(meta, stream, fresh_epoch, epoch, offset, is_client)
  local s = open_stream(meta, stream, fresh_epoch)
  if (not is_client and epoch == s[1] and offset > s[2]) or (epoch == s[3] and offset > s[4]) then
    local incarnation = redis.call('HGET', 'tandem:boot', 'incarnation') or ''
    return take_over(meta, stream, fresh_epoch, 0, false, false, incarnation)
  end
  return s
end

-- Have a meta key live on. Rarely a write: with fsync on every write, each costs a turn of the disk.
local function keep_meta(meta, ttl)
  if redis.call('TTL', meta) < ttl / 2 then redis.call('EXPIRE', meta, ttl) end
end
