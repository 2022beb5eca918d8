"""``make demo``: the whole pair on one machine, under supervisord."""
