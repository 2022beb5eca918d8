"""Who is in a channel: kept in Redis by the realtime processes, asked by anyone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tandem import conf, scripts
from tandem.groups import group_for, layer_channel
from tandem.names import key_of
from tandem.scripts import Call
from tandem.shards import shards

TTL_SECONDS = 45
"""How long a client stays present when its process has died without a word."""

HOLD_SECONDS = 15
"""How long a leave is held back after a connection is lost, so that a reconnect does not flap."""

Change = tuple[str | int, str, bytes, str]
"""What `enter` and `leave` make: one argument group of presence_change.lua."""

_CHANGE = scripts.load("presence_change", prelude=scripts.TELL)
_KEEP = scripts.load("presence_keep")
_SWEEP = scripts.load("presence_sweep", prelude=scripts.TELL)
_READ = scripts.load("presence_read")


class _User(msgspec.Struct):
    user: str = ""


def presence(channel: str) -> dict[str, bytes]:
    """
    Return the client info (JSON) of every client in *channel*, by client id.

    That is where the joins and leaves that were told have led: who lost the connection is in it until that is told.
    Raises `RedisUnavailable`, `InvalidChannel` or `UnknownNamespace`.
    """
    conf.namespaces().of(channel)
    return parse_present(shards().run(channel, read_call(channel)))


def presence_stats(channel: str) -> tuple[int, int]:
    """Return how many clients and how many users are in *channel*. Raises what `presence` raises."""
    return count(presence(channel))


def count(present: Mapping[str, bytes]) -> tuple[int, int]:
    """Return how many clients and how many users *present* shows."""
    return len(present), len({msgspec.json.decode(info, type=_User).user for info in present.values()})


def enter(client: str, info: bytes, user: str) -> Change:
    """A client comes in; *info* is how others see it (JSON)."""
    return "", client, info, user


def leave(client: str, info: bytes, user: str, *, hold: float) -> Change:
    """A client goes out: everyone is told, in *hold* seconds if its user has not come back by then."""
    return int(hold * 1000) if user else 0, client, info, user  # nobody in particular cannot come back


def change_call(channel: str, changes: Iterable[Change], *, announce: bool) -> Call:
    """Clients come in and go out, in this order; *announce*: everyone in the channel is told."""
    told = [value for change in changes for value in change]
    return Call(_CHANGE, _keys(channel), (channel, _to(channel), int(announce), TTL_SECONDS * 1000, *told))


def keep_call(channel: str, clients: Iterable[tuple[str, bytes]]) -> Call:
    """These clients are still here."""
    pairs = [value for client in clients for value in client]
    return Call(_KEEP, _keys(channel)[:2], (TTL_SECONDS * 1000, *pairs))


def sweep_call(channel: str, *, announce: bool) -> Call:
    """Let those go whose process died or whose leave was held back long enough."""
    return Call(_SWEEP, _keys(channel), (channel, _to(channel), int(announce)))


def read_call(channel: str) -> Call:
    """Ask who is in *channel*."""
    return Call(_READ, _keys(channel)[:3], ())


def parse_present(reply: Any) -> dict[str, bytes]:
    """Read the answer to `read_call`."""
    return {client.decode(): info for client, info in zip(reply[::2], reply[1::2], strict=True)}


def _to(channel: str) -> str:
    return layer_channel(group_for(channel))


def _keys(channel: str) -> tuple[str, str, str, str]:
    return (
        key_of("presence", channel),
        key_of("presence-expiry", channel),
        key_of("presence-leaving", channel),
        key_of("presence-away", channel),
    )
