"""One Redis of the layer: publishes to it, keeps subscribed to what is wanted, hands out what comes in."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from tandem.errors import RedisUnavailable
from tandem.layer.hearing import BucketLink, Hearing
from tandem.layer.subscriptions import Subscriptions, Waiter
from tandem.redis.address import Address
from tandem.redis.client import RedisClient
from tandem.redis.cluster import ClusterClients
from tandem.redis.link import Link
from tandem.redis.pubsub import PubSubConnection

logger = logging.getLogger("tandem.layer")

Callback: TypeAlias = Callable[[str, bytes], None]
Event: TypeAlias = Literal["lost", "restored"]


class Topic:
    """A name in Redis, what the layer calls it, and who is called with its messages."""

    __slots__ = ("callbacks", "title")

    def __init__(self, title: str) -> None:
        self.title = title
        self.callbacks: tuple[Callback, ...] = ()


def call_each(topic: Topic, data: bytes) -> None:
    """Call everyone who hears *topic*."""
    for callback in topic.callbacks:
        try:
            callback(topic.title, data)
        except Exception:  # a listener's bug must not cost the others their message
            logger.exception("a listener of %s failed", topic.title)


OnEvent: TypeAlias = Callable[[Event, Sequence[Topic]], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Confirmation:
    """The `future` of a confirmation. Who stops waiting says `give_up`; what comes later is reported as restored."""

    future: asyncio.Future[None]
    give_up: Callable[[], None]


class Shard:
    """
    Use the two connections to one Redis: one for commands, one for subscriptions, each opened when first needed.

    *on_event* is told ``lost`` once per outage, as soon as it is known, and ``restored`` with the topics that Redis
    has confirmed again; *on_read* when everybody has been called with what one read brought.
    """

    publish_verb = "PUBLISH"

    def __init__(self, address: Address, *, timeout: float, on_event: OnEvent, on_read: Callable[[], None]) -> None:
        self._begin(RedisClient(address, timeout=timeout), on_event)
        connection_class = functools.partial(
            PubSubConnection, on_message=self.deliver, on_answer=self.answer, on_read=on_read
        )
        self._link: Any = Link(address, connection_class, self, timeout=timeout, purpose="subscriptions")

    def _begin(self, client: Any, on_event: OnEvent) -> None:
        self.topics: dict[bytes, Topic] = {}
        self._on_event = on_event
        self._client = client
        self._subscriptions = Subscriptions()
        self._is_flush_due = False
        self._is_lost = False
        self._unrestored: set[bytes] = set()
        self._late: set[bytes] = set()
        self._loop = asyncio.get_running_loop()

    def publish(self, name: str, data: bytes) -> asyncio.Future[Any]:
        """Publish *data*; the future fails with `RedisUnavailable` when Redis cannot be reached."""
        future: asyncio.Future[Any] = self._client.submit(self.publish_verb, name, data)
        return future

    def add(self, name: bytes, title: str, callback: Callback) -> None:
        """Have *callback* called with *title* and each message of *name*. Adding it twice is adding it once."""
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(title)
            self._subscriptions.want(name)
            self._flush_soon()
        if callback not in topic.callbacks:
            topic.callbacks = (*topic.callbacks, callback)

    def remove(self, name: bytes, callback: Callback) -> None:
        """Do not call *callback* for *name* from now on; unsubscribe when it was the last."""
        topic = self.topics.get(name)
        if topic is None:
            return
        topic.callbacks = tuple(other for other in topic.callbacks if other != callback)
        if not topic.callbacks:
            del self.topics[name]
            self._subscriptions.drop(name)
            self._late.discard(name)
            self._unrestored.discard(name)
            self._flush_soon()
            self._report_restored()

    def wait(self, names: Sequence[bytes]) -> Confirmation | None:
        """Return what to wait on until Redis has confirmed *names*, or None if it has."""
        future: asyncio.Future[None] = self._loop.create_future()
        waiter = self._subscriptions.wait(names, lambda: None if future.done() else future.set_result(None))
        return None if waiter is None else Confirmation(future, functools.partial(self._give_up, waiter))

    def _give_up(self, waiter: Waiter) -> None:
        self._late |= waiter.missing
        self._subscriptions.stop_waiting(waiter)

    async def close(self) -> None:
        """Close both connections."""
        await self._link.close()
        await self._client.close()

    def _flush_soon(self) -> None:
        if not self._is_flush_due and not self._loop.is_closed():
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Tell Redis all that changed in this turn of the loop."""
        self._is_flush_due = False
        connection = self._link.connection
        if connection is not None:
            subscribe, unsubscribe = self._subscriptions.changes()
            connection.subscribe(subscribe)
            connection.unsubscribe(unsubscribe)
        elif self.topics:
            self._link.start()

    # What the connection and the link tell

    def deliver(self, name: bytes, data: bytes) -> None:
        """Hand out one message."""
        topic = self.topics.get(name)
        if topic is not None:  # else it was on its way when we unsubscribed
            call_each(topic, data)

    def answer(self, name: bytes) -> None:
        """Take one answer about *name*."""
        if not self._subscriptions.answer(name):
            return
        if name in self._late:
            self._late.discard(name)
            self._on_event("restored", [self.topics[name]])
        if self._is_lost:
            self._unrestored.discard(name)
            self._report_restored()

    def link_up(self, connection: PubSubConnection) -> None:
        """Subscribe to everything that is wanted."""
        if self._is_lost:
            self._unrestored = set(self.topics)
            self._late.clear()
        self._flush()
        self._report_restored()

    def link_lost(self, reason: str) -> None:
        """Tell at once; the link reconnects by itself."""
        self._subscriptions.reset()
        self._report_lost()

    def link_failed(self, error: RedisUnavailable) -> None:
        """Tell, if the connection was not lost but never came up."""
        self._report_lost()

    def _report_lost(self) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._on_event("lost", list(self.topics.values()))

    def _report_restored(self) -> None:
        if self._is_lost and self._link.connection is not None and not self._unrestored:
            self._is_lost = False
            is_confirmed = self._subscriptions.is_confirmed
            self._on_event("restored", [topic for name, topic in self.topics.items() if is_confirmed(name)])


class Bucket(Shard):
    """One bucket of a cluster, with its part of the connections to the masters."""

    publish_verb = "SPUBLISH"

    def __init__(self, client: Any, link: BucketLink, *, on_event: OnEvent) -> None:
        self._begin(client, on_event)
        self._link = link
        link.serve(self)


def open_buckets(address: Address, *, timeout: float, on_event: OnEvent, on_read: Callable[[], None]) -> list[Bucket]:
    """Return the buckets of the cluster *address*."""
    clients = ClusterClients(address, timeout=timeout)
    hearing = Hearing(address, timeout=timeout, on_read=on_read)
    return [
        Bucket(client, link, on_event=on_event) for client, link in zip(clients.buckets, hearing.buckets, strict=True)
    ]
