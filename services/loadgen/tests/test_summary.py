"""Medians, ratios within a run, and limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loadgen.bench import figure, summary


def measured(run: int, contender: str, cost: float) -> dict[str, Any]:
    """Return what a visit measured."""
    return {"run": run, "workload": "fanout-1000", "contender": contender, "delivery_cpu_us": cost}


RUNS = [
    *(measured(run, "floor", cost) for run, cost in enumerate((8.0, 16.0, 8.0))),
    *(measured(run, "tandem", cost) for run, cost in enumerate((9.6, 19.2, 12.0))),
]


def test_medians() -> None:
    """The median of each metric, by workload and contender."""
    assert summary.medians(RUNS) == {
        ("fanout-1000", "floor"): {"delivery_cpu_us": 8.0},
        ("fanout-1000", "tandem"): {"delivery_cpu_us": 12.0},
    }


def test_a_ratio_is_taken_within_each_run() -> None:
    """A machine that was slow for one run changes no ratio: the median of 1.2, 1.2, 1.5 and not 12/8."""
    [verdict] = summary.verdicts(RUNS)

    assert verdict == {
        "text": "CPU per delivery, of the floor's",
        "measured": 1.2,
        "limit": "<= 1.3",
        "holds": True,
    }


def test_table_says_fail() -> None:
    """A limit that does not hold is marked."""
    assert "FAIL  CPU per delivery, of the floor's: 2 (<= 1.3)" in summary.table(
        [measured(0, "floor", 5.0), measured(0, "tandem", 10.0)]
    )


def test_figure(tmp_path: Path) -> None:
    """The picture is drawn from whatever was measured, twice the same bytes."""
    runs = [measured(0, name, 8.0) for name in ("floor", "tandem", "stock")]
    figure.draw(runs, tmp_path / "a.svg")
    figure.draw(runs, tmp_path / "b.svg")

    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"stock Channels" in (tmp_path / "a.svg").read_bytes()


def test_the_table_says_how_even_the_core_was() -> None:
    """By all the looks at it, whatever they came before."""
    looks = ({"delivery_core_us": 62.1}, {"connect_core_us": 70.0})
    runs = [measured(run, "tandem", 9.6) | each for run, each in enumerate(looks)]

    assert summary.table(runs).endswith("took the servers' core 62 to 70 us.")
    assert "core" not in summary.table(RUNS)
