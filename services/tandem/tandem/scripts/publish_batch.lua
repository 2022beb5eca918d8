-- Publish several to one channel, in order, and stop at the first that is refused: nothing overtakes it.
-- KEYS: meta, stream, the idempotency key of each, boot, born
-- ARGV: fresh epoch, the group's pub/sub channel, history size, history ttl, meta ttl, once ttl, the body of each, run
-- Returns {the refusal or '', 1 for a repeat and 0 for none of each that went...}; the refusal alone where it met the first.
local size, done = tonumber(ARGV[3]), {''}
for i = 3, #KEYS - 2 do
  local went, found =
    pcall(append, KEYS[1], KEYS[2], KEYS[i], ARGV[1], ARGV[2], ARGV[i + 4], size, ARGV[4], ARGV[5], ARGV[6])
  if went then
    done[i - 1] = found[3]
  else
    -- A table since Redis 7; before that a text, with the place in this script before the error.
    local refusal = type(found) == 'table' and found.err or string.match(found, '%-([A-Z]+ .*)') or found
    if i == 3 then return redis.error_reply(refusal) end
    done[1] = refusal
    break
  end
end
return done
