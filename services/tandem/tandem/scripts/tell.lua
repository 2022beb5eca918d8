-- Publish to a group. Names carry a hash tag in a cluster and nowhere else: there what is published is sharded, and is
-- on the master that has the keys.
local function tell(group, message)
  return redis.call(string.find(group, '{', 1, true) and 'SPUBLISH' or 'PUBLISH', group, message)
end

