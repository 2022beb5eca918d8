"""Large reads for clients: what several ask for at once is read once, and Redis is not kept busy with them."""

from __future__ import annotations

import asyncio
from typing import Any

from tandem.async_shards import AsyncShards
from tandem.scripts import Call

LARGE_BYTES = 1_048_576
MAX_KNOWN = 1000
PAUSES = 3
"""For how many times as long as a large read took the next one waits: they get a quarter of the time."""


class CostlyReads:
    """The reads of one process, by channel: of those that were large, a shard does one at a time."""

    def __init__(self, shards: AsyncShards) -> None:
        self._shards = shards
        self._under_way: dict[tuple[str, Call], asyncio.Task[Any]] = {}
        self._large: dict[str, None] = {}
        self._free = [asyncio.Lock() for _ in shards.clients]

    async def run(self, channel: str, call: Call) -> Any:
        """Return what *call* does. Raises `RedisUnavailable` or `RedisReplyError`."""
        key = channel, call
        if (task := self._under_way.get(key)) is None:
            task = self._under_way[key] = asyncio.create_task(self._read(channel, call))
            task.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(task)

    def is_large(self, channel: str) -> bool:
        """Tell whether the last read of *channel* was a large one."""
        return channel in self._large

    def _ended(self, key: tuple[str, Call], task: asyncio.Task[Any]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # whoever waited has it

    async def _read(self, channel: str, call: Call) -> Any:
        if not self.is_large(channel):
            reply = await self._shards.run(channel, call)
        else:
            reply = await self._read_in_turn(channel, call)
        self._large.pop(channel, None)
        if _size(reply) > LARGE_BYTES:
            self._large[channel] = None
            if len(self._large) > MAX_KNOWN:
                del self._large[next(iter(self._large))]
        return reply

    async def _read_in_turn(self, channel: str, call: Call) -> Any:
        lock, loop = self._free[self._shards.of(channel)], asyncio.get_running_loop()
        await lock.acquire()
        began, pause = loop.time(), 0.0
        try:
            reply = await self._shards.run(channel, call)
            pause = PAUSES * (loop.time() - began)
            return reply
        finally:
            loop.call_later(pause, lock.release)


def _size(reply: object) -> int:
    if isinstance(reply, (list, tuple)):
        return sum(map(_size, reply))
    return len(reply) if isinstance(reply, bytes) else 0
