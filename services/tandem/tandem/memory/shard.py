"""One store as the channel layer's shard: it publishes, and hands out what comes in, in its own event loop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import Any

from tandem.layer.shard import Callback, Confirmation, Topic, call_each
from tandem.memory.clients import MemoryClient
from tandem.memory.store import store_at


class MemoryShard:
    """
    Take the place of `Shard`. What is sent in any thread arrives in the event loop that made this, in its order.

    Nothing is ever lost or restored, and every subscription is confirmed at once. Each message is a read of its own.
    """

    def __init__(self, url: str, *, on_read: Callable[[], None]) -> None:
        self.topics: dict[bytes, Topic] = {}
        self._client = MemoryClient(url)
        self._store = store_at(url)
        self._loop = asyncio.get_running_loop()
        self._on_read = on_read

    def publish(self, name: str, data: bytes) -> asyncio.Future[Any]:
        """Publish *data*."""
        return self._client.submit("PUBLISH", name, data)

    def add(self, name: bytes, title: str, callback: Callback) -> None:
        """Have *callback* called with *title* and each message of *name*. Adding it twice is adding it once."""
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = Topic(title)
            self._store.listen(name, self._take)
        if callback not in topic.callbacks:
            topic.callbacks = (*topic.callbacks, callback)

    def remove(self, name: bytes, callback: Callback) -> None:
        """Do not call *callback* for *name* from now on."""
        topic = self.topics.get(name)
        if topic is None:
            return
        topic.callbacks = tuple(other for other in topic.callbacks if other != callback)
        if not topic.callbacks:
            del self.topics[name]
            self._store.unlisten(name, self._take)

    def wait(self, names: Sequence[bytes]) -> Confirmation | None:
        """Return that there is nothing to wait for."""
        return None

    async def close(self) -> None:
        """Hear nothing more."""
        for name in list(self.topics):
            self._store.unlisten(name, self._take)
        self.topics.clear()

    def _take(self, name: bytes, data: bytes) -> None:
        """Hand a message over to the event loop. Called in whatever thread sent it."""
        try:
            self._loop.call_soon_threadsafe(functools.partial(self._deliver, name, data))
        except RuntimeError:  # the loop was closed, and nobody hears it any more
            self._store.unlisten(name, self._take)

    def _deliver(self, name: bytes, data: bytes) -> None:
        if topic := self.topics.get(name):
            call_each(topic, data)
            self._on_read()
