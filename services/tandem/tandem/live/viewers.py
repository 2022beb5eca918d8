"""
How many look at a channel's blocks, and so how far apart they ask: one after the other, not all at once.

A sorted set for each channel, of the viewers that asked within `WINDOW_SECONDS`. An element asks at least that often.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.names import key_of
from tandem.publication import Position
from tandem.shards import shards
from tandem.streams import history_call, parse_history
from tandem.sync_shards import Command

WINDOW_SECONDS = 900
LONGEST_PACE_SECONDS = 3.0
VIEWERS_AT_LONGEST = 1000


class Look(NamedTuple):
    """Where a channel stands (None: unknown), and over how many seconds its viewers spread their requests."""

    position: Position | None
    pace: float


def pace_of(viewers: int) -> float:
    """Return over how many seconds so many *viewers* spread their requests."""
    return round(LONGEST_PACE_SECONDS * min(1.0, viewers / VIEWERS_AT_LONGEST), 3)


def look(channel: str, viewer: str) -> Look:
    """Read where *channel* stands, in one round trip with counting the *viewer*. Never raises for want of Redis."""
    store, key, now = shards(), key_of("viewers", channel), int(time.time())
    commands: list[Command] = [
        history_call(channel, None, 0, False),
        ("ZADD", key, now, viewer),
        ("ZREMRANGEBYSCORE", key, "-inf", now - WINDOW_SECONDS),
        ("ZCARD", key),
        ("EXPIRE", key, WINDOW_SECONDS),
    ]
    try:
        stream, _, _, viewers, _ = store.commands(store.of(channel), commands)
    except (RedisUnavailable, RedisReplyError):
        return Look(None, LONGEST_PACE_SECONDS)
    pace = LONGEST_PACE_SECONDS if isinstance(viewers, RedisReplyError) else pace_of(viewers)
    is_known = not isinstance(stream, RedisReplyError)
    return Look(parse_history(channel, stream, None).position if is_known else None, pace)
