"""Run the scripts from async code: one pipelined connection for each Redis shard and event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tandem import scripts
from tandem.errors import NOT_NOW, NoScriptError, RedisReplyError, RedisUnavailable
from tandem.groups import shard_for
from tandem.memory import is_memory
from tandem.redis import Address, RedisClient
from tandem.redis.cluster import ClusterClients
from tandem.redis.clustered import is_clustered
from tandem.rights import rights_commands


class AsyncShards:
    """The Redis shards, for one event loop: the buckets, where they are a cluster."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.clients = _clients(urls)
        self._loading: dict[RedisClient, asyncio.Task[None]] = {}

    def of(self, channel: str) -> int:
        """Return the shard of *channel*."""
        return shard_for(channel, len(self.clients))

    async def run(self, channel: str, call: scripts.Call) -> Any:
        """
        Run one script on *channel*'s shard and return its reply.

        Raises `RedisUnavailable` within a second, or `RedisReplyError`.
        """
        return await self.run_on(self.of(channel), call)

    async def run_on(self, shard: int, call: scripts.Call) -> Any:
        """Run one script on *shard*, loading the scripts first if it does not know them."""
        client = self.clients[shard]
        try:
            return await client.run(call)
        except NoScriptError:
            await self._load_scripts(client)
            return await client.run(call)
        except RedisReplyError as error:
            if error.code in NOT_NOW:
                raise RedisUnavailable(error.text) from error
            raise

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(client.close() for client in self.clients))

    async def _load_scripts(self, client: RedisClient) -> None:
        task = self._loading.get(client)
        if task is None:
            task = self._loading[client] = asyncio.create_task(_load_scripts(client))
            task.add_done_callback(lambda _: self._loading.pop(client, None))
        await asyncio.shield(task)


def _clients(urls: Sequence[str]) -> list[Any]:
    if is_clustered(urls[0]):
        return list(ClusterClients(Address.from_url(urls[0]), tries=rights_commands()).buckets)
    return [_client(url) for url in urls]


def _client(url: str) -> RedisClient:
    if is_memory(url):
        from tandem.memory.clients import MemoryClient

        return MemoryClient(url)  # type: ignore[return-value]  # takes its place
    return RedisClient(url, tries=rights_commands())


async def _load_scripts(client: RedisClient) -> None:
    for script in scripts.ALL:
        await client.execute("SCRIPT", "LOAD", script.source)
