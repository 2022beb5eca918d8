"""Stores as shards, for sync code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from tandem.breaker import Breaker
from tandem.memory import serving
from tandem.memory.store import Store, store_at
from tandem.scripts import Call
from tandem.sync_shards import Command, Shards


class Client:
    """What stands where Redis has a client."""

    def __init__(self, store: Store) -> None:
        self.store = store


class MemoryShards(Shards):
    """Take the place of `Shards`. Away only where nobody serves sockets from the same memory."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.count = len(urls)
        self.clients: list[Any] = [Client(store_at(url)) for url in urls]
        self._are_tls = [False] * len(urls)
        self._breakers = [Breaker(lambda: None) for _ in urls]

    def is_away(self, shard: int) -> bool:
        """Tell whether nobody would hear."""
        return not serving.is_served()

    def is_whole(self) -> bool:
        """Tell whether somebody would hear."""
        return serving.is_served()

    def pools(self) -> list[redis.ConnectionPool]:
        """Return none: there are no connections."""
        return []

    def _exchange(self, shard: int, commands: Sequence[Command]) -> list[Any]:
        serving.check()
        replies: list[Any] = []
        store = self.clients[shard].store
        for command in commands:
            try:
                replies.append(store.execute(*(command.evalsha(store.run) if isinstance(command, Call) else command)))
            except redis.ResponseError as error:
                replies.append(error)
        return replies
