"""What one process of the interface server takes on before it says no. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Hold the limits of one server. Sizes are bytes, times are seconds; zero switches off where it says so.

    `drain` is how long the closes of a drain are spread over; `max_age` (0: off) is the oldest that a socket gets, give
    or take a tenth. More than `max_buffer_bytes` may wait for a client that takes some of it every `slow_seconds`, and
    for all of them together `max_backlog_bytes`. `max_per_address` and `handshakes_per_address` (a second) are what
    `Addresses` has. `max_arriving` is how many may be about to send a request: who waits longest goes. So it is with
    `max_idle`, those who have their answer: they may stay for `keep_alive_seconds`. And with `max_lingering`, those who
    were told to go and do not, for `close_seconds`.
    `max_body_bytes` is for requests that are not ours. `oversize_code` and its reason are how a message over
    `max_message_bytes` ends its socket.
    """

    max_connections: int = 20_000
    handshakes_per_second: float = 0
    max_per_address: int | None = None
    handshakes_per_address: float | None = None
    max_arriving: int = 2048
    max_idle: int = 2048
    max_lingering: int = 4096
    keep_alive_seconds: float = 60
    max_body_bytes: int = 67_108_864
    max_message_bytes: int = 65_536
    max_buffer_bytes: int = 1_048_576
    max_backlog_bytes: int = 67_108_864
    slow_seconds: float = 10
    backlog: int = 4096
    handshake_seconds: float = 10
    close_seconds: float = 10
    application_close_seconds: float = 10
    drain_seconds: float = 30
    max_age_seconds: float = 0
    oversize_code: int = 3501
    oversize_reason: str = "bad request"


class TokenBucket:
    """
    Let *rate* events a second through, and at most a second's worth at once.

    The time comes from the caller, in seconds of a monotonic clock. A rate of zero lets everything through.
    """

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._burst = max(rate, 1.0)
        self._tokens = self._burst
        self._updated = now

    def take(self, now: float) -> float:
        """Take one token and return 0, or return the seconds until there will be one."""
        if self._rate <= 0:
            return 0.0
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate

    def is_full(self, now: float) -> bool:
        """Tell whether nothing was taken for so long that this bucket is as good as a new one."""
        return self._tokens + (now - self._updated) * self._rate >= self._burst
