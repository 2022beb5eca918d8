"""Who is in which channel: told to Redis by each process, for the namespaces that want presence or join and leave."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from tandem import presence
from tandem.async_shards import AsyncShards
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.namespaces import Namespace, Namespaces
from tandem.presence import Change
from tandem.scripts import Call
from tandem_realtime.hub.tasks import Tasks

logger = logging.getLogger(__name__)

KEEP_SECONDS = 15.0
SWEEP_SECONDS = 8.0
FAREWELL_SECONDS = 1.0
KEEP_BATCH = 500
CHANGES_AT_ONCE = 100


class Presence:
    """
    Keeps the presence of this process's sessions.

    What Redis does not hear about now it learns by the next `keep`, or forgets when it expires.
    """

    def __init__(self, shards: AsyncShards, namespaces: Namespaces) -> None:
        self._shards = shards
        self._namespaces = namespaces
        self._here: dict[str, dict[str, bytes]] = {}
        self._tasks = Tasks()
        self._telling = Tasks()
        self._waiting: dict[str, list[Change]] = {}
        self._asked: dict[str, asyncio.Task[dict[str, bytes]]] = {}
        self._reading: dict[str, asyncio.Task[dict[str, bytes]]] = {}

    def start(self) -> None:
        """Begin to keep and to sweep."""
        self._tasks.spawn(self._every(KEEP_SECONDS, self._keep_calls))
        self._tasks.spawn(self._every(SWEEP_SECONDS, self._sweep_calls))

    async def stop(self) -> None:
        """End the background work, but first tell who has left."""
        await self._tasks.stop()
        await self._telling.finish(FAREWELL_SECONDS)
        await self._telling.stop()

    def entered(self, channel: str, client: str, user: str, info: Callable[[], bytes], namespace: Namespace) -> None:
        """Take note that a subscription has begun; *info* tells how the others see its client."""
        if namespace.presence or namespace.join_leave:
            known = self._here.setdefault(channel, {})[client] = info()
            self._tell_in_turn(channel, presence.enter(client, known, user))

    def left(self, channel: str, client: str, user: str, *, is_final: bool) -> None:
        """Take note that it has ended; unless that *is_final*, the user may be back in a moment."""
        here = self._here.get(channel)
        info = here.pop(client, None) if here else None
        if info is None:
            return
        if not here:
            del self._here[channel]
        hold = 0 if is_final else presence.HOLD_SECONDS
        self._tell_in_turn(channel, presence.leave(client, info, user, hold=hold))

    async def of(self, channel: str) -> dict[str, bytes]:
        """
        Return the client info (JSON) of each client in *channel*. Raises `RedisUnavailable` or `RedisReplyError`.

        A channel is read once at a time: who asks meanwhile shares the next answer, which knows who came until then.
        """
        if (task := self._asked.get(channel)) is None:
            before = self._reading.get(channel)
            task = self._asked[channel] = asyncio.create_task(self._read(channel, before))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # whoever waited has it
        return await asyncio.shield(task)

    async def _read(self, channel: str, before: asyncio.Task[dict[str, bytes]] | None) -> dict[str, bytes]:
        if before is not None:
            await asyncio.wait([before])
        task = self._reading[channel] = self._asked.pop(channel)
        try:
            return presence.parse_present(await self._shards.run(channel, presence.read_call(channel)))
        finally:
            if self._reading.get(channel) is task:
                del self._reading[channel]

    async def stats(self, channel: str) -> tuple[int, int]:
        """Return how many clients and how many users are in *channel*. Raises as `of` does."""
        return presence.count(await self.of(channel))

    def _keep_calls(self) -> Iterator[tuple[str, Call]]:
        for channel, here in list(self._here.items()):
            clients = list(here.items())
            for start in range(0, len(clients), KEEP_BATCH):
                yield channel, presence.keep_call(channel, clients[start : start + KEEP_BATCH])

    def _sweep_calls(self) -> Iterator[tuple[str, Call]]:
        for channel in list(self._here):
            yield channel, presence.sweep_call(channel, announce=self._namespaces.of(channel).join_leave)

    async def _every(self, seconds: float, calls: Any) -> None:
        while True:
            await asyncio.sleep(seconds * random.uniform(0.8, 1.0))
            for batch in batched(calls(), KEEP_BATCH):
                await asyncio.gather(*(self._tell(channel, call) for channel, call in batch))

    def _tell_in_turn(self, channel: str, change: Change) -> None:
        """Tell who comes and goes in one channel in the order in which they did; who did meanwhile, together."""
        if (waiting := self._waiting.get(channel)) is not None:
            waiting.append(change)
        else:
            self._waiting[channel] = [change]
            self._telling.spawn(self._work_off(channel))

    async def _work_off(self, channel: str) -> None:
        waiting = self._waiting[channel]
        announce = self._namespaces.of(channel).join_leave
        try:
            while waiting:
                changes = waiting[:CHANGES_AT_ONCE]
                del waiting[:CHANGES_AT_ONCE]
                await self._tell(channel, presence.change_call(channel, changes, announce=announce))
        finally:
            del self._waiting[channel]

    async def _tell(self, channel: str, call: Call) -> None:
        try:
            await self._shards.run(channel, call)
        except (RedisUnavailable, RedisReplyError) as error:
            logger.info("presence.untold", extra={"channel": channel, "reason": str(error)})


def batched(calls: Iterable[tuple[str, Call]], size: int) -> Iterator[list[tuple[str, Call]]]:
    """Split *calls* into lists of *size*: what is sent together costs one round trip."""
    left = iter(calls)
    while batch := list(islice(left, size)):
        yield batch
