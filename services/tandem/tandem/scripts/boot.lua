-- Notice a restart. Runs before the other scripts are loaded: a Redis that restarted has forgotten them.
-- ARGV: run id of the server, '1' when it keeps everything that was written, a fresh incarnation.
local run = redis.call('HGET', 'tandem:boot', 'run')
if run ~= ARGV[1] then
  redis.call('HSET', 'tandem:boot', 'run', ARGV[1], 'incarnation', ARGV[3], 'kept', ARGV[2])
end
return redis.status_reply('OK')
