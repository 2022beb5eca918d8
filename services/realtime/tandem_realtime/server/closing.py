"""When to close each connection: while the process drains, and when it has grown old. No I/O here."""

from __future__ import annotations


def close_times(connections: int, *, window: float) -> list[float]:
    """
    Spread *connections* closes evenly over *window* seconds.

    All at once would make every browser reconnect at once.
    """
    return [window * i / connections for i in range(connections)]


def rotation_age(max_age: float, *, chance: float) -> float:
    """
    Return the age, in seconds, at which to ask a connection to come back: *max_age* give or take a tenth.

    *chance* is a random number in [0, 1). Connections that came together must not leave together.
    """
    return max_age * (0.9 + 0.2 * chance)
