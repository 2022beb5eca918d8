"""The figures of a notification to many, as text."""

from __future__ import annotations

from loadgen.bench.inbox import Measured, table


def test_table() -> None:
    """Rows a second, the CPU of each, and memory at three times."""
    many = Measured(3.0, 1.5, 50.0, 40.0, 70.0, 80.0, 85.0, 100_000, 100_001)

    assert table(100_000, many, 0.05).splitlines() == [
        "notify(100,000 users): the call 3.00 s, 1.5 MiB more",
        "one worker: 100,000 rows and 100,001 pushes in 50.0 s, 2,000 a second, 400 us of CPU each",
        "its memory: 70 MiB at the start, 80 after a quarter, 85 at the most",
        "an announcement to everyone: 50.0 ms, one row and one push",
    ]
