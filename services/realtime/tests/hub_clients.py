"""A subscriber that keeps a record, and a channel layer that delivers only what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tandem.groups import group_for
from tandem.layer import ChannelLayer
from tandem.publication import Position
from tandem_realtime.hub import Hub, Subscription
from tandem_realtime.protocol.encodings import LINES


class DeafLayer(ChannelLayer):
    """Confirms every membership and hears nothing but `say`."""

    def __init__(self) -> None:
        super().__init__(hosts=["redis://127.0.0.1:1/0"])
        self.listeners: dict[str, Callable[[str, bytes], None]] = {}
        self.read: Callable[[], None] = lambda: None

    async def listen(self, groups: Sequence[str], callback: Callable[[str, bytes], None]) -> None:
        """Note who listens."""
        self.listeners.update(dict.fromkeys(groups, callback))

    async def unlisten(self, groups: Sequence[str], callback: Callable[[str, bytes], None]) -> None:
        """Forget who listens."""
        for group in groups:
            self.listeners.pop(group, None)

    def after_reads(self, callback: Callable[[], None]) -> None:
        """Each message is a read of its own."""
        self.read = callback

    def watch(self, callback: Callable[[str, Sequence[str]], None]) -> None:
        """Never lost, never restored."""

    def say(self, channel: str, at: Position, data: Any) -> None:
        """Deliver a publication as the publish script words it."""
        group = group_for(channel)
        if callback := self.listeners.get(group):
            message = {"type": "publication", "channel": channel, "json": json.dumps(data).encode(), "time": 0}
            callback(group, msgspec.msgpack.encode({**message, "offset": at.offset, "epoch": at.epoch}))
            self.read()


class BookKeeper:
    """
    A client that subscribes to one channel, comes back where it stood, and notes every hole, repeat and step back.

    `told` counts how often it was told that publications were lost to it.
    """

    encoding = LINES

    def __init__(self, hub: Hub, channel: str) -> None:
        self.hub = hub
        self.channel = channel
        self.position: Position | None = None
        self.seen: list[tuple[Position, Any]] = []
        self.told = 0
        self.faults: list[str] = []
        self.must_come_back = False
        self._subscription: Subscription | None = None

    async def subscribe(self) -> None:
        """Come, or come back with the position of the last publication seen."""
        self.must_come_back = False
        since = self.position
        subscription = Subscription(self, self.channel)
        admission = await self.hub.subscribe(subscription, since)
        self._subscription = subscription
        if since is None or admission.missed is None:
            self.told += since is not None
            self.position = admission.position
            return
        for publication in admission.missed:
            self._take(publication.offset, json.loads(publication.data))
        if self.position != admission.position and self.position.offset != admission.position.offset:
            self.faults.append(f"recovered to {self.position}, but the reply says {admission.position}")
        self.position = admission.position

    def leave(self) -> None:
        """Be cut off."""
        if self._subscription is not None:
            self.hub.unsubscribe(self._subscription)
            self._subscription = None

    def write(self, data: bytes) -> None:
        """Take pushes."""
        for line in data.splitlines():
            publication = json.loads(line)["push"]["pub"]
            if "offset" in publication:  # else it is of nobody's stream
                self._take(publication["offset"], publication["data"])

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Be told whether the server is sure."""
        self.states = [*getattr(self, "states", []), is_sure]

    def state_lost(self, subscription: Subscription) -> None:
        """Be told."""
        self.leave()
        self.must_come_back = True

    def _take(self, offset: int, data: Any) -> None:
        assert self.position is not None
        if offset != self.position.offset + 1:
            self.faults.append(f"{offset} after {self.position.offset}")
        self.position = Position(self.position.epoch, offset)
        self.seen.append((self.position, data))
