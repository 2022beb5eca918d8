"""Deployments that publish all the time while things happen to their subscribers and to Redis, and their records."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from rig.arranged import Arranged
from rig.arrangements import as_deployment, assert_all_whole
from rig.keeper import Keeper, Producer
from rig.unheard import publish_unheard
from tandem import scripts
from tandem.errors import RedisUnavailable
from tandem.shards import shards

CLIENTS = 3
PUBLISH_SECONDS = 0.02
PAUSE_SECONDS = 0.2

CUT = "cut"
LOSE_A_MESSAGE = "lose a message"
EMPTY = "empty"

Step = tuple[str, int]
"""What happens, and to which of several."""


@dataclass
class Room:
    """A channel of one deployment, and who publishes and hears there; `is_lost`, once something of it may be."""

    settings: Mapping[str, str]
    producer: Producer
    keepers: list[Keeper]
    is_lost: bool = False


class Adversity:
    """*rooms*, one of each deployment of *arranged*. Inside `publishing`, they are never silent."""

    def __init__(self, arranged: Arranged, rooms: Sequence[Room]) -> None:
        self._arranged = arranged
        self._rooms = rooms
        self._turn = asyncio.Lock()  # one deployment's settings hold at a time
        self._is_over = False
        self._runs = arranged.runs()

    @contextlib.asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        """Publish in every room meanwhile."""
        task = asyncio.create_task(self._publish())
        try:
            yield
        finally:
            self._is_over = True
            await task

    async def take(self, step: Step) -> None:
        """Let *step* happen."""
        name, which = step
        room = self._rooms[which % len(self._rooms)]
        channel = room.producer.channel
        if name == CUT:
            await room.keepers[which % CLIENTS].cut(0.1 * which)
        elif name == LOSE_A_MESSAGE:
            await self._as(room, lambda: publish_unheard(room.producer))
        elif name == EMPTY:
            room.is_lost = True
            await self._as(room, lambda: _empty(channel))
        elif happening := self._arranged.happenings.get(name):
            await asyncio.to_thread(happening, channel)
        else:
            for each in self._rooms:
                each.is_lost = True
            await asyncio.to_thread(self._arranged.failures[name], channel)
        await asyncio.sleep(PAUSE_SECONDS)

    async def settle(self) -> None:
        """Assert that everybody has all, or was told; and that nobody was told where nothing was lost."""
        for room in self._rooms:
            with as_deployment(room.settings):
                await self._until_whole(room)
        if self._arranged.runs() == self._runs:
            told = [room for room in self._rooms if any(keeper.record.told_at for keeper in room.keepers)]
            assert all(room.is_lost for room in told)

    async def _until_whole(self, room: Room) -> None:
        while True:
            runs = self._arranged.runs()
            try:
                return await assert_all_whole(room.keepers, room.producer)
            except TimeoutError:
                if runs == self._arranged.runs():
                    raise
                # Meanwhile there was another failover, for a machine so busy that a Sentinel lost its patience.

    async def _publish(self) -> None:
        while not self._is_over:
            for room in self._rooms:
                await self._as(room, room.producer.publish_one)
            await asyncio.sleep(PUBLISH_SECONDS)

    async def _as(self, room: Room, act: Callable[[], None]) -> None:
        async with self._turn:
            with as_deployment(room.settings):
                await asyncio.to_thread(act)


async def deliver(arranged: Arranged, urls: Sequence[str], channel: str, steps: Sequence[Step]) -> None:
    """Have clients at each deployment's *urls* hear *channel* while *steps* happen, and compare the records."""
    async with contextlib.AsyncExitStack() as stack:
        rooms = []
        for url, settings in zip(urls, arranged.deployments, strict=True):
            keepers = [await stack.enter_async_context(Keeper(url, channel)) for _ in range(CLIENTS)]
            rooms.append(Room(settings, Producer(channel), keepers))
        adversity = Adversity(arranged, rooms)
        async with adversity.publishing():
            for step in steps:
                await adversity.take(step)
        await adversity.settle()


def _empty(channel: str) -> None:
    keys = scripts.meta_key(channel), scripts.stream_key(channel)
    with contextlib.suppress(RedisUnavailable):  # as if it had come a moment later
        shards().commands(shards().of(channel), [("DEL", *keys)])
