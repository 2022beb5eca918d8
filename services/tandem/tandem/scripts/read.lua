-- Read a stream from a position.
-- KEYS: meta, stream, boot, born
-- ARGV: fresh epoch, meta ttl, epoch and offset of the reader ('' and 0: none), limit, '1' for newest first,
-- '1' for nothing unless the position continues here, '1' when a client claims that position, run
-- Returns {epoch, offset, previous epoch, offset of the takeover (-1: nothing was published before it), 1 if the reader's position continues here, entries}.
local since_epoch, since, limit = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local s = open_for_reader(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), since_epoch, since, ARGV[8] == '1')
local continues = (since_epoch == s[1] and since <= s[2]) or (since_epoch == s[3] and since <= s[4])
local entries = {}
if limit > 0 and (ARGV[7] ~= '1' or continues) then
  if ARGV[6] == '1' then
    local from = (since_epoch ~= '' or since > 0) and string.format('(%.0f-0', since) or '+'
    if from ~= '(0-0' then entries = redis.call('XREVRANGE', KEYS[2], from, '-', 'COUNT', limit) end -- an error there
  else
    entries = redis.call('XRANGE', KEYS[2], string.format('%.0f-0', since + 1), '+', 'COUNT', limit)
  end
end
return {s[1], s[2], s[3] or '', s[5] and -1 or s[4], continues and 1 or 0, entries}
