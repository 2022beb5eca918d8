-- The position check: where the streams of many channels stand, in one round trip.
-- KEYS: meta and stream of each channel, boot, born.
-- ARGV: fresh epoch, meta ttl, then epoch and offset of the reader for each channel, run.
-- Returns {epoch, offset, previous epoch, offset of the takeover} for each channel.
local found = {}
for i = 1, #KEYS / 2 - 1 do
  local meta, stream = KEYS[2 * i - 1], KEYS[2 * i]
  local ttl = tonumber(ARGV[2])
  local s, is_there = open_for_reader(meta, stream, ARGV[1] .. i, ttl, ARGV[2 * i + 1], tonumber(ARGV[2 * i + 2]))
  if is_there then keep_meta(meta, ttl) end
  found[i] = {s[1], s[2], s[3] or '', s[5] and -1 or s[4]}
end
return found
