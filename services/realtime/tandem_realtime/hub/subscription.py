"""One connection's interest in one channel."""

from __future__ import annotations

from typing import Protocol

from tandem_realtime.protocol.encodings import Encoding


class Subscriber(Protocol):
    """A connection, as the hub sees it."""

    encoding: Encoding

    def write(self, data: bytes, /) -> None:
        """Send bytes that `encoding` made."""

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Take note that this channel may have more than can be heard of it now, or that it was heard whole again."""

    def state_lost(self, subscription: Subscription) -> None:
        """Take note that publications of this channel can no longer be told without a hole."""


class Subscription:
    """
    What the hub delivers to. `expires` is a time of the event loop's clock, 0 for never.

    `member` is the client that hears who else comes and goes, empty where nobody does. `generation` is that of the
    token that admits it. `encoding` is its owner's, and may say more: which publications this subscription wants, and
    as what.
    """

    __slots__ = ("channel", "encoding", "expires", "generation", "info", "is_server_side", "member", "owner")

    def __init__(self, owner: Subscriber, channel: str, *, is_server_side: bool = False) -> None:
        self.owner = owner
        self.channel = channel
        self.encoding = owner.encoding
        self.is_server_side = is_server_side
        self.member = ""
        self.expires = 0.0
        self.generation: int = getattr(owner, "generation", 0)
        self.info = b""
