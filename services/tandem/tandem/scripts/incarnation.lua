-- Which incarnation of Redis this is. Every restart and every failover begins another one, and so does emptying it.
--
-- The caller's connection knows which run of a Redis it leads to; the one before may have ended without a word to us.
-- KEYS, at their end: boot, born. ARGV, at its end: the run ('' where Redis does not tell), '1' when it has everything
-- that was written before it began.
redis.replicate_commands()
local BOOT, BORN = KEYS[#KEYS - 1], KEYS[#KEYS]
local RUN, KEPT = ARGV[#ARGV - 1], ARGV[#ARGV]

-- What begins with the same word, up to a dot, followed on each other with nothing lost.
local function root_of(incarnation) return string.match(incarnation, '^[^.]*') end

local function incarnation_of(fresh)
  local boot = redis.call('HMGET', BOOT, 'run', 'incarnation')
  local before = boot[2] -- nothing there: somebody emptied this Redis
  if before and (boot[1] == RUN or RUN == '') then return before end
  local incarnation = before and KEPT == '1' and root_of(before) .. '.' .. fresh or fresh
  redis.call('HSET', BOOT, 'run', RUN, 'incarnation', incarnation)
  return incarnation
end

