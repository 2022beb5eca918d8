"""When to close connections, and in which words: in a drain, and when it has grown old. No I/O here."""

from __future__ import annotations

from tandem_realtime.endpoints import endpoint_of

SHUTDOWN = 3001, "shutdown"
ROTATION = 3011, "force reconnect"
RESTART = 1012, "service restart"
"""What every client of WebSockets knows (RFC 6455's registry); most come back on no code of a protocol's own."""


def words_for(path: str, words: tuple[int, str], *, elsewhere: tuple[int, str] = RESTART) -> tuple[int, str]:
    """Return code and reason for a socket at *path*: *words* where SDKs connect, *elsewhere* those of RFC 6455."""
    return words if endpoint_of(path) == "/ws/" else elsewhere


def close_pace(connections: int, *, window: float) -> float:
    """
    Return the seconds between two of *connections* closes that are spread evenly over *window* seconds.

    All at once would make every browser reconnect at once.
    """
    return window / connections if connections else 0.0


def rotation_age(max_age: float, *, chance: float) -> float:
    """
    Return the age, in seconds, at which to ask a connection to come back: *max_age* give or take a tenth.

    *chance* is a random number in [0, 1). Connections that came together must not leave together.
    """
    return max_age * (0.9 + 0.2 * chance)
