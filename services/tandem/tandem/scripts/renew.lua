-- Begin a new epoch: what comes next does not follow on what came last, and every reader is told.
-- KEYS: meta, stream, boot, born. ARGV: fresh epoch, meta ttl, run.
return start_over(KEYS[1], KEYS[2], ARGV[1], incarnation_of(ARGV[1]), ARGV[2])[1]
