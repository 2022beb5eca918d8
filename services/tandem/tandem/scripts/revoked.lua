-- Read a page of what was revoked. KEYS: generations (hash), ends (sorted set), whole, boot, born.
-- ARGV: where to begin (an end), how many of that end to pass over, how many to read, a fresh incarnation, run.
-- Returns '1' when Redis has all that there is, then subject, generation, seconds left and end of each.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local incarnation = incarnation_of(ARGV[4])
local found = {redis.call('GET', KEYS[3]) == incarnation and '1' or '0'}
for _, subject in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[1], '+inf', 'LIMIT', ARGV[2], ARGV[3])) do
  local last = redis.call('ZSCORE', KEYS[2], subject)
  found[#found + 1] = subject
  found[#found + 1] = redis.call('HGET', KEYS[1], subject) or '0'
  found[#found + 1] = math.ceil(last - now)
  found[#found + 1] = last
end
return found
