"""The generator end to end, against the smallest server there is."""

from __future__ import annotations

from pathlib import Path

from loadgen.bench.contenders import floor
from loadgen.bench.load import Load
from loadgen.bench.visits import visit


def test_everything_arrives_and_is_measured(tmp_path: Path) -> None:
    """Fifty clients get every publication; cost and latency are there and above zero."""
    found = visit(floor(), Load(clients=50, rate=100, count=20), "redis://unused", tmp_path)

    assert (found["contender"], found["clients"]) == ("floor", 50)
    assert found["delivery_cpu_us"] > 0
    assert found["p99_ms"] >= found["p50_ms"] > 0


def test_backlog(tmp_path: Path) -> None:
    """A stopped server works off what has piled up; the time counts from when it went on."""
    found = visit(floor(), Load(clients=5, rate=100, count=30, backlog=True), "redis://unused", tmp_path)

    assert found["publications_per_s"] > 100
