"""What idle connections cost, as slopes, and over a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadgen.bench import idle
from loadgen.bench.contenders import tandem
from loadgen.bench.idle import Held, rows


def test_slopes_leave_out_what_a_server_costs_by_itself() -> None:
    """A server that spends 1,000 us a second and 1 MB by itself, and 2 us and 9,000 bytes for each connection."""
    held = [Held(size, 1_000 + 2 * size, 1e6 + 8_000 * size, 1_000 * size) for size in (100, 200, 400)]
    first, *_, slope = rows("tandem", held)

    assert first == {
        "workload": "idle-100",
        "contender": "tandem",
        "idle_cpu_us": 12.0,
        "rss_bytes": 18_000.0,
        "held_bytes": 19_000.0,
    }
    assert slope == {
        "workload": "idle-slope",
        "contender": "tandem",
        "idle_cpu_us": pytest.approx(2.0),
        "rss_bytes": pytest.approx(8_000.0),
        "held_bytes": pytest.approx(9_000.0),
    }


def test_one_size_has_no_slope() -> None:
    """There is nothing to compare it with."""
    assert [row["workload"] for row in rows("tandem", [Held(100, 1.0, 1.0, 1.0)])] == ["idle-100"]


def test_a_crowd_grows(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One server holds more and more, and each size is measured."""
    monkeypatch.setattr(idle, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(idle, "WATCH_SECONDS", 0.5)
    found = idle.visit(tandem(redis_url), (40, 20), redis_url, tmp_path)

    assert [row["workload"] for row in found] == ["idle-20", "idle-40", "idle-slope"]
    assert all(row["idle_cpu_us"] > 0 and "held_bytes" in row for row in found[:2])
