"""Large reads for clients: what several ask for at once is read once, and Redis is not kept busy with them."""

from __future__ import annotations

import asyncio

from tandem.async_shards import AsyncShards
from tandem.publication import Position, Publication
from tandem.streams import History, history_call, history_entries, history_limit
from tandem_realtime.hub.streams import PART_BYTES, decoded, is_cut
from tandem_realtime.surplus import surplus_of

LARGE_BYTES = 1_048_576
MAX_KNOWN = 1000
PAUSES = 3
"""For how many times as long as a large read took the next one waits: they get a quarter of the time."""

Question = tuple[str, Position | None, int, bool]


class CostlyReads:
    """The histories that clients of one process ask for: of those that were large, a shard reads one at a time."""

    def __init__(self, shards: AsyncShards) -> None:
        self._shards = shards
        self._under_way: dict[Question, asyncio.Task[History]] = {}
        self._large: dict[str, None] = {}
        self._free = [asyncio.Lock() for _ in shards.clients]

    async def history(self, channel: str, since: Position | None, limit: int, *, reverse: bool = False) -> History:
        """
        Return what `tandem.streams.history` would.

        Raises `UnrecoverablePosition`, `RedisUnavailable` or `RedisReplyError`.
        """
        key = channel, since, history_limit(limit), reverse
        if (task := self._under_way.get(key)) is None:
            task = self._under_way[key] = asyncio.create_task(self._read(*key))
            task.add_done_callback(lambda done: self._ended(key, done))
        found = await asyncio.shield(task)
        surplus = surplus_of(asyncio.get_running_loop())
        if surplus.is_turn_over():  # whoever waited for the same has it now, too, and makes an answer of it
            await surplus.turn()
        return found

    def is_large(self, channel: str) -> bool:
        """Tell whether the last read of *channel* was a large one."""
        return channel in self._large

    def _ended(self, key: Question, task: asyncio.Task[History]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # whoever waited has it

    async def _read(self, channel: str, since: Position | None, limit: int, reverse: bool) -> History:
        if not self.is_large(channel):
            found = await self._read_parts(channel, since, limit, reverse)
        else:
            found = await self._read_in_turn(channel, since, limit, reverse)
        self._large.pop(channel, None)
        if sum(len(publication.data) for publication in found.publications) > LARGE_BYTES:
            self._large[channel] = None
            if len(self._large) > MAX_KNOWN:
                del self._large[next(iter(self._large))]
        return found

    async def _read_in_turn(self, channel: str, since: Position | None, limit: int, reverse: bool) -> History:
        lock, loop = self._free[self._shards.of(channel)], asyncio.get_running_loop()
        await lock.acquire()
        began, pause = loop.time(), 0.0
        try:
            found = await self._read_parts(channel, since, limit, reverse)
            pause = PAUSES * (loop.time() - began)
            return found
        finally:
            loop.call_later(pause, lock.release)

    async def _read_parts(self, channel: str, since: Position | None, limit: int, reverse: bool) -> History:
        """Read as much at a time as keeps Redis from nothing else, up to where the stream stood at the first time."""
        every: list[Publication] = []
        position = None
        while True:
            call = history_call(channel, since, limit - len(every), reverse, enough=PART_BYTES)
            entries = history_entries(channel, await self._shards.run(channel, call), since)
            position = position or entries.state.position
            part = await decoded(channel, entries)
            if every and part and not reverse and part[0].offset > every[-1].offset + 1:
                every = []  # they have been trimmed meanwhile, and more
            every += [publication for publication in part if publication.offset <= position.offset]
            if not is_cut(entries) or len(every) >= limit or not part:
                return History(position, every)
            since = Position(position.epoch, part[-1].offset)
