"""Shares of a profile."""

from __future__ import annotations

from loadgen.sampling import costs


def test_costs() -> None:
    """A function's share has what it calls in it, once however often it recurs; a line's share is its own."""
    inclusive, own = costs({"a;b;a:7": 3, "a:2": 1})

    assert dict(inclusive) == {"a": 1.0, "b": 0.75}
    assert own == [("a:7", 0.75), ("a:2", 0.25)]
