"""What three Redis and a cluster cost beside one, as a table says it, and over real ones."""

from __future__ import annotations

import subprocess
import sys

from loadgen.bench.shards import Cost, table
from rig.servers import find_redis


def test_table_compares_with_one() -> None:
    """Both sides together."""
    costs = {"one": Cost(200.0, 100.0, 0.0), "three": Cost(200.0, 130.0, 0.04), "cluster": Cost(240.0, 105.0, 0.02)}
    lines = table(costs).splitlines()

    assert lines[2].split() == ["three", "200.0", "130.0", "330.0", "4.0%"]
    assert lines[4:] == ["three: 1.10 times one", "cluster: 1.15 times one"]


def test_it_runs() -> None:
    """On servers of its own, in a few seconds."""
    find_redis()
    command = [sys.executable, "-m", "loadgen.bench.shards", "--rounds", "1", "--publications", "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    assert [line.partition(":")[0] for line in done.stdout.splitlines()[-2:]] == ["three", "cluster"]
