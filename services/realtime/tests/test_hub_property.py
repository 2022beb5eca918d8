"""The promise, over everything that a channel layer can do: no hole, no repeat, no step back, or the client is told."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tandem import scripts
from tandem.async_shards import AsyncShards
from tandem.namespaces import Namespaces
from tandem.publication import Position, pack_body
from tandem.redis.run import Run
from tandem_realtime.hub import Hub, repair
from tandem_realtime.hub.streams import Streams
from tests.hub_clients import BookKeeper, DeafLayer

HISTORY = 6
NAMESPACES = Namespaces({"p": {"history_size": HISTORY, "history_ttl": 60, "recovery": True}})
CLIENTS = 3

numbers = itertools.count()
clients = st.integers(0, CLIENTS - 1)
step = st.one_of(
    st.sampled_from([("publish",), ("publish",), ("drop",), ("delay",), ("release",), ("release-last",), ("repeat",)]),
    st.sampled_from(
        [("publish",), ("drop",), ("check",), ("empty",), ("restart-kept",), ("restart-lost",), ("pause",)]
    ),
    st.tuples(st.sampled_from(["cut", "come", "come"]), clients),
)


class World:
    """A channel, its stream in a real Redis, a hub, and clients."""

    def __init__(self, url: str) -> None:
        self.channel = f"p:{next(numbers)}"
        self.shards = AsyncShards([url])
        self.layer = DeafLayer()
        self.hub = Hub(self.layer, Streams(self.shards), NAMESPACES, recovery_limit=4)
        self.clients = [BookKeeper(self.hub, self.channel) for _ in range(CLIENTS)]
        self.here = [False] * CLIENTS
        self.came_at: dict[BookKeeper, int] = {}
        self.published: list[tuple[Position, int]] = []
        self.delayed: list[tuple[Position, int]] = []

    async def publish(self) -> tuple[Position, int]:
        """Append to the stream, as the publisher does; the layer says nothing yet."""
        data = len(self.published)
        body = pack_body(self.channel, str(data).encode(), tags=b"", info=b"", time=0, request="")
        call = scripts.publish_call(self.channel, NAMESPACES.of(self.channel), body, once=None)
        published = scripts.parse_published(await self.shards.run(self.channel, call))
        self.published.append((published.position, data))
        return self.published[-1]

    def say(self, publication: tuple[Position, int]) -> None:
        """Let the layer deliver."""
        self.layer.say(self.channel, *publication)

    async def take(self, name: str, *args: int) -> None:
        """Carry out one step."""
        match name:
            case "publish":
                self.say(await self.publish())
            case "drop":
                await self.publish()
            case "delay":
                self.delayed.append(await self.publish())
            case "release" if self.delayed:
                self.say(self.delayed.pop(0))
            case "release-last" if self.delayed:
                self.say(self.delayed.pop())
            case "repeat" if self.published:
                self.say(self.published[len(self.published) // 2])
            case "check":
                await self.check()
            case "empty":
                keys = scripts.meta_key(self.channel), scripts.stream_key(self.channel)
                await self.shards.clients[0].execute("DEL", *keys)
            case "restart-cut":
                await self.cut_off_the_end()
                await self.restart(kept=True)
            case "restart-kept" | "restart-lost":
                await self.restart(kept=name == "restart-kept")
            case "cut":
                self.here[args[0]] = False
                self.clients[args[0]].leave()
            case "come" if not self.here[args[0]]:
                await self.come(args[0])

    async def cut_off_the_end(self) -> None:
        """Lose the last publication, as a Redis does whose append-only file was cut."""
        redis = self.shards.clients[0]
        state = await Streams(self.shards).state(self.channel)
        if state.position.offset > (state.previous.offset if state.previous else 0):
            key = scripts.stream_key(self.channel)
            *kept, _ = await redis.execute("XRANGE", key, "-", "+")
            await redis.execute("DEL", key)
            for entry, fields in kept:
                await redis.execute("XADD", key, entry, *fields)
            await redis.execute("HINCRBY", scripts.meta_key(self.channel), "o", -1)

    async def restart(self, *, kept: bool) -> None:
        """Make Redis look as if it had restarted, having kept every write or not."""
        client: Any = self.shards.clients[0]
        await client.execute("PING")
        client._link.connection.run = Run(str(next(numbers)), keeps=kept)

    async def come(self, index: int) -> None:
        """Let a client subscribe, the first time or again."""
        self.here[index] = True
        self.came_at.setdefault(self.clients[index], len(self.published))
        await self.clients[index].subscribe()

    async def check(self) -> None:
        """Run a position check now."""
        await self.hub._repairs.check(list(self.hub.channels.values()))

    async def settle(self) -> None:
        """Let everything that was begun come to its end; clients that were told come back."""
        for _ in range(4):
            await asyncio.sleep(0.002)
            for keeper in self.clients:
                if keeper.must_come_back:
                    await keeper.subscribe()

    async def finish(self) -> None:
        """End as a real run does: the layer says the rest, a position check runs, whoever is cut off comes back."""
        for publication in self.delayed:
            self.say(publication)
        for index in range(CLIENTS):
            if not self.here[index]:
                await self.come(index)
        await self.check()
        await asyncio.sleep(0.01)
        await self.settle()
        end = (await Streams(self.shards).state(self.channel)).position.offset
        for _ in range(500):  # a machine that is busy takes longer
            if all(keeper.position and keeper.position.offset == end for keeper in self.clients):
                break
            await asyncio.sleep(0.01)
            await self.settle()

    async def close(self) -> None:
        """End what runs."""
        await self.hub.stop()
        await self.shards.close()


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe a position check at once: here nothing is on its way when it runs."""
    monkeypatch.setattr(repair, "GRACE_SECONDS", 0.0)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=3, max_size=40))
@example(
    steps=[("come", 1), ("publish",), ("cut", 1), ("publish",), ("cut", 0), ("restart-cut",), ("check",), ("come", 1)]
)
@example(steps=[("come", 1), ("cut", 1), ("publish",), ("cut", 0), ("restart-cut",), ("come", 1), ("publish",)])
@example(steps=[("come", 1), ("publish",), ("cut", 1), ("empty",), ("publish",), ("publish",), ("come", 1)])
@example(steps=[("restart-lost",), ("come", 1), ("restart-kept",), ("publish",), ("empty",), ("check",), ("publish",)])
def test_no_hole_no_repeat_no_step_back_or_told(redis_url: str, steps: list[tuple[str, int]]) -> None:
    """Whatever is dropped, delayed, repeated or lost, every client ends whole and in order, or was told."""

    async def run() -> None:
        world = World(redis_url)
        try:
            for name, *args in [("come", 0), *steps]:
                await world.take(name, *args)
                await world.settle()
            await world.finish()
            state = await Streams(world.shards).state(world.channel)
            truth = dict(world.published)

            for keeper in world.clients:
                assert keeper.faults == []
                assert keeper.position is not None
                assert keeper.position.offset == state.position.offset
                assert [data for _, data in keeper.seen] == sorted({data for _, data in keeper.seen})
                assert all(truth.get(at, data) == data for at, data in keeper.seen)
            seen_by_anyone = {data for keeper in world.clients for _, data in keeper.seen}
            for keeper in world.clients:
                if not keeper.told:
                    # The hub may have been a little behind when it came; from there on nothing is missing.
                    seen = [data for _, data in keeper.seen]
                    since = min([world.came_at[keeper], *seen])
                    assert seen == sorted(data for data in seen_by_anyone if data >= since)
        finally:
            await world.close()

    asyncio.run(run())
