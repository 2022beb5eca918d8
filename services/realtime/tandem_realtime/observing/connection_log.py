"""
Who came, who left, who was refused, and why: at INFO, so that one grep answers "why was user 7 refused at 14:02".

From anywhere in the process, in the event loop's thread::

    from tandem_realtime.observing.connection_log import SUBSCRIPTION_REFUSED, log

    log.tell(SUBSCRIPTION_REFUSED, "permission denied", user=session.user, address=session.address, channel=channel)

A *user* is one whom a token proves, never whom somebody claims to be. Each such event has a line of its own, until one
user repeats the same more than `NAMED_REPEATS` times in a minute. Of nobody in particular there is one line a minute
for each event, reason and address. Lines carry the `count` of the events that they stand for. However many addresses
there are, at most `ANONYMOUS_LINES` such lines are written in a minute; the rest is told as one, `connection.untold`.
Words that come from outside are cut, and no token, ticket or payload belongs in any.

``TANDEM["connection_log"]`` switches it off.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("tandem_realtime.connections")

OPENED = "connection.opened"
CLOSED = "connection.closed"
REFUSED = "connection.refused"
SUBSCRIPTION_REFUSED = "subscription.refused"
UNTOLD = "connection.untold"

SECONDS = 60.0
NAMED_REPEATS = 10
ANONYMOUS_LINES = 100
LONGEST = 200
_REASONS_OF_UNTOLD = 5
_SLACK_SECONDS = 0.1

Key = tuple[str, str, str, str]
"""Event, reason, user; and the address of nobody in particular."""


def _later(seconds: float, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # no loop runs: the next event, or `flush`, tells what is held back
        asyncio.get_running_loop().call_later(seconds, call)


class ConnectionLog:
    """What is told and what is only counted. *now* tells the time, *later* calls after so many seconds."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], None] = _later,
    ) -> None:
        self.is_on = True
        self._now = now
        self._later = later
        self._told: dict[Key, int] = {}
        self._held: dict[Key, int] = {}
        self._untold: Counter[str] = Counter()
        self._lines: deque[float] = deque(maxlen=ANONYMOUS_LINES - 1)  # one is for what did not fit
        self._turns_at = 0.0

    def tell(self, event: str, reason: str = "", *, user: str = "", address: str = "", **more: Any) -> None:
        """Log *event* with what is known of it, or count it."""
        if not self.is_on:
            return
        now = self._now()
        if now >= self._turns_at:
            self._turn(now)
        key = event, reason[:LONGEST], user[:LONGEST], "" if user else address
        told = self._told.get(key, 0)
        if told < (NAMED_REPEATS if user else 1):
            if user or self._has_room(now):
                self._told[key] = told + 1
                _write(key, 1, {"address": address, **more})
            else:
                self._untold[f"{event}: {key[1]}"[:LONGEST] if len(self._untold) < ANONYMOUS_LINES else UNTOLD] += 1
        else:
            self._held[key] = self._held.get(key, 0) + 1

    def flush(self) -> None:
        """Tell what is held back: before the process ends."""
        self._turn(self._now())

    def _has_room(self, now: float) -> bool:
        if len(self._lines) == self._lines.maxlen and now - self._lines[0] < SECONDS:
            return False
        self._lines.append(now)
        return True

    def _turn(self, now: float) -> None:
        """Tell what the last minute held back, and begin another; what went on goes on being counted."""
        held, self._held = self._held, {}
        untold, self._untold = self._untold, Counter()
        self._told = dict.fromkeys(held, NAMED_REPEATS)
        self._turns_at = now + SECONDS
        for key, count in held.items():
            if key[2] or self._has_room(now):
                _write(key, count, {"address": key[3]})
            else:
                untold[f"{key[0]}: {key[1]}"[:LONGEST]] += count
        if untold:
            most = ", ".join(f"{what} ({count})" for what, count in untold.most_common(_REASONS_OF_UNTOLD))
            _write((UNTOLD, most, "", ""), untold.total(), {})
        self._later(SECONDS + _SLACK_SECONDS, self._turn_if_due)

    def _turn_if_due(self) -> None:
        if self._now() < self._turns_at:
            return
        if self._held or self._untold:
            self._turn(self._now())
        else:
            self._told = {}


def _write(key: Key, count: int, more: dict[str, Any]) -> None:
    if not logger.isEnabledFor(logging.INFO):
        return
    event, reason, user, _ = key
    told = {"user": user, "reason": reason, **more, "count": count if count > 1 else None}
    extra = {name: _plain(value) for name, value in told.items() if value not in ("", None)}
    # Not `logger.info`, which looks for the line of code that called.
    logger.handle(logger.makeRecord(logger.name, logging.INFO, "", 0, event, (), None, extra=extra))


def _plain(value: Any) -> Any:
    """Return what comes from outside in one line, and not a long one."""
    if not isinstance(value, str):
        return value
    value = value[:LONGEST]
    return value if value.isprintable() else "".join(each if each.isprintable() else "?" for each in value)


log = ConnectionLog()
"""The one of this process."""
