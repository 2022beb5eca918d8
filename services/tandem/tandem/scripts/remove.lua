-- Forget the publications of a channel. A script like the others, so that it keeps its place among them in a pipeline
-- whose scripts have to be loaded first. KEYS: stream. Returns 1 when there were any.
return redis.call('DEL', KEYS[1])
