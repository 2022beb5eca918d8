"""Personal channels: what joining, staying and leaving cost, over a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from loadgen.bench import personal, summary


def test_everybody_joins_stays_and_leaves(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each size is measured by itself; afterwards nobody is present and no channel is subscribed any more."""
    monkeypatch.setattr(personal, "HOLD_SECONDS", 0.5)
    found = personal.visit(personal.tandem(redis_url), (40, 20), redis_url, tmp_path)

    assert [(row["workload"], row["clients"]) for row in found] == [("personal-20", 20), ("personal-40", 40)]
    assert all(row["join_cpu_us"] > 0 and row["redis_join_cpu_us"] > 0 for row in found)
    with redis.Redis.from_url(redis_url) as client:
        assert client.pubsub_channels("*inbox*") == []
        assert client.keys("*presence*") == []


def test_linear_is_by_size() -> None:
    """What a join costs among 10,000 is compared with what it costs among 1,000."""
    rows = [
        {"run": 0, "workload": f"personal-{size}", "contender": "tandem", "join_cpu_us": cost}
        for size, cost in ((1_000, 500.0), (10_000, 1_000.0))
    ]
    [verdict] = summary.verdicts(rows)

    assert (verdict["measured"], verdict["holds"]) == (2.0, False)
