-- Before all that was revoked is kept anew, leave a mark; after it, find the mark still there: then this Redis was not
-- emptied meanwhile, and has the whole. Several may do it at once. KEYS: whole, boot, born.
-- ARGV: a fresh mark before, '' after; after, the mark that was answered before; a fresh incarnation, run.
-- Returns the mark before, 1 or 0 for the whole after.
local incarnation = incarnation_of(ARGV[3])
local found = redis.call('GET', KEYS[1])
if ARGV[1] ~= '' then
  local beginning = 'refilling ' .. incarnation .. ' '
  if found and string.sub(found, 1, #beginning) == beginning then return found end
  redis.call('SET', KEYS[1], beginning .. ARGV[1])
  return beginning .. ARGV[1]
end
if found == ARGV[2] then
  redis.call('SET', KEYS[1], incarnation)
  found = incarnation
end
return found == incarnation and 1 or 0
