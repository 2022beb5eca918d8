"""
How many look at a channel's blocks, and so how far apart they ask: one after the other, not all at once.

A sorted set for each channel, of the viewers that asked within `WINDOW_SECONDS`. An element asks at least that often.
"""

from __future__ import annotations

import random
import time
from typing import NamedTuple

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.names import key_of
from tandem.publication import Position
from tandem.shards import shards
from tandem.streams import history_call, parse_history
from tandem.sync_shards import Command

RENEWAL_SECONDS = 600
"""How often an element asks where nothing changes: it renews its reference, and is counted."""
WINDOW_SECONDS = 900
LONGEST_PACE_SECONDS = 3.0
VIEWERS_AT_LONGEST = 1000


class Look(NamedTuple):
    """Where a channel stands (None: unknown), and how many look at it (None: unknown), who asks included."""

    position: Position | None
    viewers: int | None

    @property
    def pace(self) -> float:
        """Over how many seconds they spread their requests; the longest where nobody knows."""
        return LONGEST_PACE_SECONDS if self.viewers is None else pace_of(self.viewers)

    @property
    def turn(self) -> float:
        """
        After how many seconds of those it is the turn of the one that came last.

        Who came first cannot know how many will come. By the place in which each came they do not ask at once, however
        many there are; places after the last of the pace are drawn.
        """
        is_in_line = self.viewers is not None and self.viewers <= VIEWERS_AT_LONGEST
        return self.pace if is_in_line else round(random.uniform(0, LONGEST_PACE_SECONDS), 3)


def pace_of(viewers: int) -> float:
    """Return over how many seconds so many *viewers* spread their requests."""
    return round(LONGEST_PACE_SECONDS * min(1.0, viewers / VIEWERS_AT_LONGEST), 3)


def look(channel: str, *viewers: str) -> Look:
    """Read where *channel* stands, in one round trip with counting *viewers*. Never raises for want of Redis."""
    store, key, now = shards(), key_of("viewers", channel), int(time.time())
    commands: list[Command] = [
        history_call(channel, None, 0, False),
        ("ZADD", key, *(each for viewer in viewers for each in (now, viewer))),
        ("ZREMRANGEBYSCORE", key, "-inf", now - WINDOW_SECONDS),
        ("ZCARD", key),
        ("EXPIRE", key, WINDOW_SECONDS),
    ]
    try:
        stream, _, _, count, _ = store.commands(store.of(channel), commands)
    except (RedisUnavailable, RedisReplyError):
        return Look(None, None)
    is_known = not isinstance(stream, RedisReplyError)
    return Look(
        parse_history(channel, stream, None).position if is_known else None,
        None if isinstance(count, RedisReplyError) else count,
    )
