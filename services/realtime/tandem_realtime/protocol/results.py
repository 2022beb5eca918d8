"""What the server answers and tells, as values: each dialect has bytes of its own for them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tandem.publication import NOTHING, Publication

LONG_BYTES = 4096
"""Data that is not worth a copy: what is shorter is cheaper to copy than to send for itself."""


class Publications:
    """
    Publications in an answer, oldest first.

    *has_delta*: the subscription takes deltas, and what such a one is told in full has a form of its own in JSON.
    """

    __slots__ = ("has_delta", "told")

    def __init__(self, told: Sequence[Publication] = (), *, has_delta: bool = False) -> None:
        self.told = told
        self.has_delta = has_delta

    def is_long(self, size: int) -> bool:
        """Tell whether they are larger than *size* together, and not because there are many."""
        total = sum(len(publication.data) for publication in self.told)
        return total > size and total > LONG_BYTES * len(self.told) and not self.has_delta


NONE = Publications()


def told(publications: Sequence[Publication], *, has_delta: bool = False) -> Publications:
    """Return *publications* as an answer carries them: `NONE`, which is left out, when there are none."""
    return Publications(publications, has_delta=has_delta) if publications else NONE


class ConnectResult(msgspec.Struct, omit_defaults=True):
    """The answer to connect. `ttl` and `ping` are seconds, `time` milliseconds since 1970."""

    client: str
    version: str
    ping: int
    pong: bool
    time: int
    session: str = ""
    node: str = ""
    expires: bool = False
    ttl: int = 0
    subs: dict[str, SubscribeResult] = {}


class SubscribeResult(msgspec.Struct, omit_defaults=True):
    """The answer to subscribe. `data` is a JSON text."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    was_recovering: bool = False
    recovered: bool = False
    expires: bool = False
    ttl: int = 0
    delta: bool = False
    data: msgspec.Raw = NOTHING
    publications: Publications = NONE


class RefreshResult(msgspec.Struct, omit_defaults=True):
    """The answer to refresh."""

    client: str
    version: str
    expires: bool = False
    ttl: int = 0


class SubRefreshResult(msgspec.Struct, omit_defaults=True):
    """The answer to sub_refresh."""

    expires: bool = False
    ttl: int = 0


class HistoryResult(msgspec.Struct, omit_defaults=True):
    """The answer to history."""

    epoch: str
    offset: int = 0
    publications: Publications = NONE


class PresenceResult(msgspec.Struct):
    """The answer to presence: who is in the channel (`ClientInfo` as JSON), by client."""

    presence: dict[str, msgspec.Raw]


class PresenceStats(msgspec.Struct):
    """The answer to presence_stats."""

    num_clients: int
    num_users: int
