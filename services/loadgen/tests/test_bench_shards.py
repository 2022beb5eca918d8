"""What three Redis cost beside one, as a table says it, and over real ones."""

from __future__ import annotations

import subprocess
import sys

from loadgen.bench.shards import Cost, table


def test_table_compares_three_with_one() -> None:
    """Both sides together."""
    lines = table({"one": Cost(200.0, 100.0, 0.0), "three": Cost(200.0, 130.0, 0.04)}).splitlines()

    assert lines[2].split() == ["three", "200.0", "130.0", "330.0", "4.0%"]
    assert lines[3] == "three cost 1.10 times one"


def test_it_runs() -> None:
    """On servers of its own, in a few seconds."""
    command = [sys.executable, "-m", "loadgen.bench.shards", "--rounds", "1", "--publications", "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    assert done.stdout.splitlines()[-1].startswith("three cost ")
