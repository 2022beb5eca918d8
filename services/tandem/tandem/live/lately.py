"""
What this process saw of a channel lately, so that many who ask about one change cost Redis one look.

Rows that are read after a position are as new as it or newer, so an earlier position does too, for who has heard of no
later one. Who asks meanwhile is counted with the next look.
"""

from __future__ import annotations

import time

from tandem.live.viewers import Look, look
from tandem.publication import Position

LATELY_SECONDS = 1.0
MAX_CHANNELS = 1000


class _Seen:
    """A look, when it was, and who asked since."""

    def __init__(self, found: Look, at: float) -> None:
        self.found = found
        self.at = at
        self.viewers: set[str] = set()


_seen: dict[str, _Seen] = {}


def look_lately(channel: str, viewer: str, heard: Position | None) -> Look:
    """
    Return where *channel* stands, or stood when this process looked lately, if that is all that *viewer* has *heard*.

    Never raises for want of Redis.
    """
    seen, now = _seen.get(channel), time.monotonic()
    if seen and now - seen.at < LATELY_SECONDS and _knows(seen.found.position, heard):
        seen.viewers.add(viewer)
        return seen.found
    found = look(channel, viewer, *(seen.viewers - {viewer} if seen else ()))
    if len(_seen) >= MAX_CHANNELS and channel not in _seen:
        _seen.clear()  # who asked since is counted when he asks again
    _seen[channel] = _Seen(found, now)
    return found


def _knows(position: Position | None, heard: Position | None) -> bool:
    if position is None or heard is None:
        return False
    return position.epoch == heard.epoch and position.offset >= heard.offset
