"""``python -m loadgen.bench.checks [NAME ...]``: print each figure with PASS or FAIL."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from loadgen.bench.__main__ import RESULTS
from loadgen.bench.checks import drain, latency, logout, memory, slow, storm
from loadgen.bench.checks.stage import Stage
from rig.servers import RedisServer

CHECKS = {
    "memory": memory.check,
    "latency": latency.check,
    "logout": logout.check,
    "slow": slow.check,
    "drain": drain.check,
    "storm": storm.check,
}


def main() -> int:
    """Run the named checks, or all; return 0 when all hold."""
    names = sys.argv[1:] or list(CHECKS)
    if unknown := set(names) - set(CHECKS):
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    failed = False
    for name in names:
        with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory)) as redis:
            with Stage(redis.url, RESULTS) as stage:
                for finding in CHECKS[name](stage):
                    print(f"{name:>8}  {finding}", flush=True)
                    failed |= not finding.holds
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
