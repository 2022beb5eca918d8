"""Commands to a Redis in cluster mode, from one event loop: to whichever node has the bucket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.redis.address import Address
from tandem.redis.client import TIMEOUT_SECONDS, Asked, RedisClient, Runnable
from tandem.redis.commands import Argument, Command
from tandem.redis.masters import masters_of
from tandem.redis.slots import BUCKETS, Node

HOPS = 3
"""How many nodes one command is sent to at most: each says which other has the slot, and executes nothing."""


class ClusterClients:
    """A client for each node of a cluster, opened when first needed; for each bucket one that goes to its master."""

    def __init__(self, address: Address, *, timeout: float = TIMEOUT_SECONDS, tries: Sequence[Command] = ()) -> None:
        self.address = address
        self.masters = masters_of(address, timeout=timeout)
        self.buckets = [BucketClient(self, bucket) for bucket in range(BUCKETS)]
        self._timeout = timeout
        self._tries = tries
        self._nodes: dict[Node, RedisClient] = {}
        self._is_closed = False

    def at(self, node: Node) -> RedisClient:
        """Return the client of *node*. Raises `RedisUnavailable` after `close`."""
        if self._is_closed:
            raise RedisUnavailable(f"the client of {self.address.label} is closed")
        if node not in self._nodes:
            self._nodes[node] = RedisClient(self.address.at(node), timeout=self._timeout, tries=self._tries)
        return self._nodes[node]

    async def close(self) -> None:
        """Close every connection."""
        self._is_closed = True
        nodes, self._nodes = self._nodes, {}
        await self.masters.close()
        await asyncio.gather(*(client.close() for client in nodes.values()))


class BucketClient:
    """Take the place of `RedisClient` for one bucket of a cluster."""

    def __init__(self, cluster: ClusterClients, bucket: int) -> None:
        self.address = cluster.address
        self.bucket = bucket
        self._cluster = cluster
        self._masters = cluster.masters

    @property
    def is_up(self) -> bool:
        """Tell whether there is a connection to its master now."""
        node = self._masters.of(self.bucket)
        return node is not None and self._cluster.at(node).is_up

    @property
    def failure(self) -> RedisUnavailable | None:
        """Why its master cannot be reached, while that is known. Whoever asks has it looked for anew."""
        node = self._masters.of(self.bucket)
        failure = self._masters.failure if node is None else self._cluster.at(node).failure
        if failure is not None:
            self._masters.doubt()
        return failure

    async def execute(self, *args: Argument) -> Any:
        """Send one command and return its reply."""
        return await self._carry(args)

    def submit(self, *args: Argument) -> asyncio.Future[Any]:
        """Send one command, and return the future of its reply."""
        return asyncio.ensure_future(self._carry(args))

    async def run(self, call: Runnable) -> Any:
        """Run a script that its master knows, and return its reply."""
        return await self._carry(call)

    async def close(self) -> None:
        """Close the connections of the cluster, those of its other buckets, too."""
        await self._cluster.close()

    async def _carry(self, asked: Asked) -> Any:
        refusal = ""
        for _ in range(HOPS):
            node = self._masters.of(self.bucket) or await self._masters.find(self.bucket)
            try:
                return await self._cluster.at(node).ask(asked)
            except RedisReplyError as error:
                if error.code == "MOVED":
                    self._masters.moved(error.text, node)
                    refusal = error.text
                    continue
                if error.code in ("ASK", "TRYAGAIN", "CLUSTERDOWN"):
                    self._masters.doubt()
                    raise RedisUnavailable(f"{error.text}: its slot is being moved, or has no master") from error
                raise
            except RedisUnavailable:
                self._masters.doubt()
                raise
        raise RedisUnavailable(f"{self.address.label} does not agree on who has bucket {self.bucket}: {refusal}")
