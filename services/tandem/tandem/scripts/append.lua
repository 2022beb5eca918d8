-- One publication, under its idempotency key (false: none): take the next offset, append, trim, send to the group.
-- Returns {epoch, offset, 1 for a repeat}.
local function append(meta, stream, once, fresh_epoch, group, body, size, ttl, meta_ttl, once_ttl)
  if once then
    local seen = redis.call('HMGET', once, 'e', 'o')
    if seen[1] then return {seen[1], tonumber(seen[2]), 1} end
  end
  local epoch, offset = '', 0
  local live = body
  if size > 0 then
    local s = open_stream(meta, stream, fresh_epoch)
    epoch, offset = s[1], s[2] + 1
    redis.call('HSET', meta, 'o', offset)
    redis.call('EXPIRE', meta, meta_ttl)
    redis.call('XADD', stream, 'MAXLEN', size, offset .. '-0', 'b', body)
    redis.call('EXPIRE', stream, ttl)
    live = string.char(string.byte(body) + 2) .. string.sub(body, 2) .. cmsgpack.pack('offset', offset, 'epoch', epoch)
  end
  if once then
    redis.call('HSET', once, 'e', epoch, 'o', offset)
    redis.call('EXPIRE', once, once_ttl)
  end
  tell(group, live)
  return {epoch, offset, 0}
end

