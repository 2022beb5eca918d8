"""
What the layer hears a cluster on: one connection to each master, whatever is wanted of its buckets.

To a bucket its part of such a connection is what a link is to a shard; it is lost when the bucket moves, too.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from tandem.errors import RedisUnavailable
from tandem.redis.address import Address
from tandem.redis.link import Link, Listener
from tandem.redis.masters import masters_of
from tandem.redis.pubsub import PubSubConnection
from tandem.redis.sharded import ShardedConnection
from tandem.redis.slots import BUCKETS, Node, bucket_in

MOVED = "its slot is on another master"


class Hearing:
    """The connections to the masters of one cluster, opened for the buckets that want one and closed after the last."""

    def __init__(self, address: Address, *, timeout: float, on_read: Callable[[], None]) -> None:
        self.address = address
        self.timeout = timeout
        self.on_read = on_read
        self.masters = masters_of(address, timeout=timeout)
        self.masters.watchers.append(self._place_all)
        self.buckets = [BucketLink(self) for _ in range(BUCKETS)]
        self._ears: dict[Node, Ear] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def place(self, link: BucketLink) -> None:
        """Have *link* hear the master of its bucket; as soon as that is known, where it is not."""
        node = self.masters.of(self.buckets.index(link))
        if node is None:
            self.masters.doubt()
        elif link.ear is None or link.ear.node != node:
            self.leave(link)
            link.lost(MOVED)
            self._ear(node).take(link)

    def leave(self, link: BucketLink) -> None:
        """Have *link* hear nobody, and close what nobody else hears on."""
        ear, link.ear = link.ear, None
        if ear is None:
            return
        ear.buckets.discard(link)
        if not ear.buckets:
            self._ears.pop(ear.node, None)
            task = asyncio.get_running_loop().create_task(ear.link.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def hand_out(self, ear: Ear, name: bytes, data: bytes | None) -> None:
        """Hand a message, or an answer (None), to the bucket it is for, unless that hears somebody else by now."""
        link = self.buckets[bucket_in(name.decode())]
        if link.ear is ear:
            link.hear(name, data)

    async def close(self) -> None:
        """Close every connection."""
        if self._place_all in self.masters.watchers:
            self.masters.watchers.remove(self._place_all)
        for link in self.buckets:
            link.is_wanted = False
            self.leave(link)
        if self._closing:
            await asyncio.wait(self._closing)
        await self.masters.close()

    def _ear(self, node: Node) -> Ear:
        if node not in self._ears:
            self._ears[node] = Ear(self, node)
        return self._ears[node]

    def _place_all(self) -> None:
        for link in self.buckets:
            if link.is_wanted:
                self.place(link)


class Ear:
    """The connection to one master, and the buckets that hear it."""

    def __init__(self, hearing: Hearing, node: Node) -> None:
        self.node = node
        self.buckets: set[BucketLink] = set()
        self._masters = hearing.masters
        connection_class = functools.partial(
            ShardedConnection,
            on_message=functools.partial(hearing.hand_out, self),
            on_answer=lambda name: hearing.hand_out(self, name, None),
            on_read=hearing.on_read,
            on_moved=lambda text: hearing.masters.moved(text, node),
        )
        self.link: Link[ShardedConnection] = Link(
            hearing.address.at(node), connection_class, self, timeout=hearing.timeout, purpose="subscriptions"
        )

    def take(self, link: BucketLink) -> None:
        """Have *link* hear this, too."""
        link.ear = self
        self.buckets.add(link)
        if self.link.connection is not None:
            link.up(self.link.connection)
        else:
            self.link.start()

    # What the link tells

    def link_up(self, connection: ShardedConnection) -> None:
        """Tell the buckets."""
        for link in tuple(self.buckets):
            link.up(connection)

    def link_lost(self, reason: str) -> None:
        """Tell the buckets, and see who has them now."""
        for link in tuple(self.buckets):
            link.lost(reason)
        self._masters.doubt()

    def link_failed(self, error: RedisUnavailable) -> None:
        """Tell the buckets, and see who has them now."""
        for link in tuple(self.buckets):
            link.failed(error)
        self._masters.doubt()


class BucketLink:
    """Take the place of `Link` for one bucket. `serve` says who is told."""

    def __init__(self, hearing: Hearing) -> None:
        self.connection: PubSubConnection | None = None
        self.ear: Ear | None = None
        self.is_wanted = False
        self._hearing = hearing
        self._listener: Any = None

    def serve(self, listener: Listener[Any]) -> None:
        """Tell *listener*, which has `deliver` and `answer` beside what a link's has."""
        self._listener = listener

    def start(self) -> None:
        """Begin to connect, unless that is under way."""
        self.is_wanted = True
        if self.ear is None:
            self._hearing.place(self)

    async def close(self) -> None:
        """Close the connections to the cluster, those of its other buckets, too."""
        await self._hearing.close()

    def hear(self, name: bytes, data: bytes | None) -> None:
        """Tell of a message, or of an answer."""
        if data is None:
            self._listener.answer(name)
        else:
            self._listener.deliver(name, data)

    def up(self, connection: PubSubConnection) -> None:
        """Tell of a connection."""
        self.connection = connection
        self._listener.link_up(connection)

    def lost(self, reason: str) -> None:
        """Tell that there is none any more."""
        if self.connection is not None:
            self.connection = None
            self._listener.link_lost(reason)

    def failed(self, error: RedisUnavailable) -> None:
        """Tell that there is none yet."""
        self._listener.link_failed(error)
