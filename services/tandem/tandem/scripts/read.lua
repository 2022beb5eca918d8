-- Read a stream from a position.
-- KEYS: meta, stream, boot, born
-- ARGV: fresh epoch, meta ttl, epoch and offset of the reader ('' and 0: none), limit, '1' for newest first,
-- '1' for nothing unless the position continues here, '1' when a client claims that position, bytes after which it is
-- enough (0: all of it; Redis does nothing else meanwhile), run
-- Returns {epoch, offset, previous epoch, offset of the takeover (-1: nothing was published before it), 1 if the reader's position continues here, entries}.
local since_epoch, since, limit = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local s = open_for_reader(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), since_epoch, since, ARGV[8] == '1')
local continues = (since_epoch == s[1] and since <= s[2]) or (since_epoch == s[3] and since <= s[4])
local most, step = tonumber(ARGV[9]), 20

-- What *command* finds in parts, until there is enough: as many as before, then as many as there may be room for.
local function some(command, from, to)
  local found, size = {}, 0
  while #found < limit do
    local count = most > 0 and math.min(step, limit - #found) or limit
    local part = redis.call(command, KEYS[2], from, to, 'COUNT', count)
    for _, entry in ipairs(part) do
      found[#found + 1] = entry
      size = size + #entry[2][2]
    end
    if #part < count or most > 0 and size >= most then break end
    from = '(' .. part[#part][1]
    step = math.max(20, math.floor((most - size) / (size / #found)))
  end
  return found
end

local entries = {}
if limit > 0 and (ARGV[7] ~= '1' or continues) then
  if ARGV[6] == '1' then
    local from = (since_epoch ~= '' or since > 0) and string.format('(%.0f-0', since) or '+'
    if from ~= '(0-0' then entries = some('XREVRANGE', from, '-') end -- an error there
  else
    entries = some('XRANGE', string.format('%.0f-0', since + 1), '+')
  end
end
return {s[1], s[2], s[3] or '', s[5] and -1 or s[4], continues and 1 or 0, entries}
