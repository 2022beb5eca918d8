"""Read the streams: positions and recent publications, from sync code."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tandem import conf, scripts
from tandem.errors import RedisReplyError, RedisUnavailable, UnrecoverablePosition
from tandem.publication import Position, Publication, decode
from tandem.shards import shards

MAX_HISTORY_LIMIT = 1000


class History(NamedTuple):
    """Where a stream stands, and the publications that were asked for."""

    position: Position
    publications: list[Publication]


def position(channel: str) -> Position | None:
    """
    Return where *channel*'s stream stands now; None while Redis is away or refuses: the page asks again.

    Raises `InvalidChannel` or `UnknownNamespace`.
    """
    try:
        return history(channel, limit=0).position
    except (RedisUnavailable, RedisReplyError):
        return None


def history(channel: str, *, since: Position | None = None, limit: int = 0, reverse: bool = False) -> History:
    """
    Return at most *limit* publications after *since* (before it, newest first, when *reverse*).

    A negative limit means all; never more than `MAX_HISTORY_LIMIT` come at once. Raises `UnrecoverablePosition` when
    *since* belongs to another epoch, `RedisUnavailable`, and what `position` raises.
    """
    conf.namespaces().of(channel)
    return parse_history(channel, shards().run(channel, history_call(channel, since, limit, reverse)), since)


def history_call(channel: str, since: Position | None, limit: int, reverse: bool, *, enough: int = 0) -> scripts.Call:
    """Turn the question of `history` into a run of the read script."""
    limit = history_limit(limit)
    return scripts.read_call(channel, since, limit, reverse=reverse, is_client=True, enough=enough)


def history_limit(limit: int) -> int:
    """Return how many publications a client that asks for *limit* gets at most."""
    return MAX_HISTORY_LIMIT if limit < 0 else min(limit, MAX_HISTORY_LIMIT)


def parse_history(channel: str, reply: object, since: Position | None) -> History:
    """Read the answer to `history_call`."""
    found = history_entries(channel, reply, since)
    return History(found.state.position, publications(channel, found))


def history_entries(channel: str, reply: object, since: Position | None) -> scripts.Entries:
    """Read the same, with publications that are still to be decoded."""
    found = scripts.parse_entries(reply)
    if since is not None and since.epoch and not found.continues:
        raise UnrecoverablePosition(f"{channel} has no position {since}: its epoch is {found.state.position.epoch}")
    return found


def publications(channel: str, found: scripts.Entries) -> list[Publication]:
    """Decode what a stream holds."""
    epoch = found.state.position.epoch
    decoded = ((offset, decode(body)) for offset, body in found.entries)
    return [msgspec.structs.replace(kept, offset=offset, epoch=epoch) for offset, kept in decoded if kept is not None]


def remove_history(channel: str) -> None:
    """
    Forget the publications of *channel*. Its position stays, so that readers who miss them are told.

    Raises `RedisUnavailable` and what `position` raises.
    """
    conf.namespaces().of(channel)
    shards().run(channel, scripts.remove_call(channel))
