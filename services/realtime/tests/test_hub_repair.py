"""Repairs and position checks: what the layer lost is read from the stream, or told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tandem import scripts
from tandem.async_shards import AsyncShards
from tandem.errors import RedisUnavailable
from tandem.namespaces import Namespaces
from tandem.publication import Position, pack_body
from tandem_realtime.hub import Hub, repair
from tandem_realtime.hub.streams import Streams
from tandem_realtime.observing import metrics
from tests.hub_clients import BookKeeper, DeafLayer

NAMESPACES = Namespaces({"p": {"history_size": 6, "history_ttl": 60, "recovery": True}, "live": {}})
CHANNEL = "p:a"


class World:
    """A hub over a layer that says only what it is told to, one subscriber, and a producer."""

    def __init__(self, url: str) -> None:
        self.shards = AsyncShards([url])
        self.layer = DeafLayer()
        self.hub = Hub(self.layer, Streams(self.shards), NAMESPACES, recovery_limit=4)
        self.keeper = BookKeeper(self.hub, CHANNEL)

    async def publish(self, count: int = 1, *, heard: bool = False) -> Position:
        """Publish numbers that are their offsets."""
        for _ in range(count):
            body = pack_body(CHANNEL, b"0", tags=b"", info=b"", time=0, request="")
            call = scripts.publish_call(CHANNEL, NAMESPACES.of(CHANNEL), body, once=None)
            position = scripts.parse_published(await self.shards.run(CHANNEL, call)).position
            if heard:
                self.layer.say(CHANNEL, position, 0)
        return position

    async def check(self) -> None:
        """Run a position check."""
        await self.hub._repairs.check(list(self.hub.channels.values()))

    def offsets(self) -> list[int]:
        """Return what the subscriber has seen."""
        return [position.offset for position, _ in self.keeper.seen]

    async def until(self, offset: int) -> None:
        """Wait until the subscriber has *offset*."""
        async with asyncio.timeout(20):
            while self.keeper.position is None or self.keeper.position.offset < offset:
                await asyncio.sleep(0.005)


@pytest_asyncio.fixture
async def world(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """One subscriber at offset 0."""
    monkeypatch.setattr(repair, "GRACE_SECONDS", 0.02)
    world = World(redis_url)
    await world.keeper.subscribe()
    yield world
    assert world.keeper.faults == []
    await world.hub.stop()
    await world.shards.close()


async def test_next_publication_uncovers_a_gap(world: World) -> None:
    """Both arrive, in order."""
    repaired = metrics.counts.gaps_repaired
    await world.publish(heard=True)
    await world.publish()
    await world.publish(heard=True)
    await world.until(3)

    assert world.offsets() == [1, 2, 3]
    assert metrics.counts.gaps_repaired == repaired + 1


async def test_check_finds_what_nothing_uncovers(world: World) -> None:
    """The last publication was lost, and no other comes."""
    await world.publish()
    await world.check()
    await world.until(1)

    assert world.offsets() == [1]


async def test_check_believes_the_layer_for_a_moment(world: World) -> None:
    """What is on its way when the stream is asked is no gap."""
    before = metrics.position_checks["behind"], metrics.counts.gaps_repaired
    position = await world.publish()
    await world.check()
    world.layer.say(CHANNEL, position, 0)
    await asyncio.sleep(0.05)

    assert (metrics.position_checks["behind"], metrics.counts.gaps_repaired) == before
    assert world.offsets() == [1]


async def test_what_cannot_be_filled_is_told(world: World) -> None:
    """More was lost than the stream holds."""
    await world.publish(10)
    await world.check()
    await asyncio.sleep(0.1)

    assert world.keeper.must_come_back
    assert world.offsets() == []


async def test_redis_that_cannot_be_asked_is_asked_again(world: World) -> None:
    """The gap stays open until it answers; nothing is skipped meanwhile."""
    await world.publish(2)
    client = world.shards.clients[0]
    backup = await client.execute("DUMP", scripts.stream_key(CHANNEL))
    await client.execute("SET", scripts.stream_key(CHANNEL), "not a stream")
    world.layer.say(CHANNEL, Position((await Streams(world.shards).state(CHANNEL)).position.epoch, 2), 0)
    await asyncio.sleep(0.05)
    waiting = world.offsets()
    await client.execute("RESTORE", scripts.stream_key(CHANNEL), 0, backup, "REPLACE")
    await world.until(2)

    assert waiting == []
    assert world.offsets() == [1, 2]


async def test_recovery_while_a_gap_is_open_is_refused_for_now(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is the most that a client waits; it may try again."""
    monkeypatch.setattr(repair, "WAIT_SECONDS", 0.05)
    position = await world.publish(2)
    client = world.shards.clients[0]
    channel = world.hub.channels[CHANNEL]
    channel.repaired = asyncio.get_running_loop().create_future()
    with pytest.raises(RedisUnavailable, match=r"p:a could not be read within 0.05 s"):
        await world.hub._repairs.wait(channel)
    channel.repaired = None
    newcomer = BookKeeper(world.hub, CHANNEL)
    newcomer.position = position
    await newcomer.subscribe()

    assert client.is_up
    assert (newcomer.told, newcomer.position) == (0, position)


async def test_check_without_redis_comes_again_soon(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is counted."""
    errors = metrics.position_checks["error"]
    await world.shards.close()
    await world.check()
    channel = world.hub.channels[CHANNEL]

    assert metrics.position_checks["error"] == errors + 1
    assert channel.check_at < repair.time.monotonic() + 1.1


async def test_what_can_be_heard_again_is_checked_until_redis_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection for commands may come back after the other one: nobody waits for the next tick then."""
    monkeypatch.setattr(repair, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(repair, "RESTORED_TRIES", 1000)
    await world.publish()
    channel, client = world.hub.channels[CHANNEL], world.shards.clients[0]
    channel.check_at = float("inf")
    await client.execute("RENAME", scripts.meta_key(CHANNEL), "elsewhere{p:a}")
    await client.execute("SET", scripts.meta_key(CHANNEL), "no hash")
    errors = metrics.position_checks["error"]
    world.hub._watch("restored", [channel.group])
    async with asyncio.timeout(20):
        while metrics.position_checks["error"] < errors + 2:
            await asyncio.sleep(0.005)
    await client.execute("RENAME", "elsewhere{p:a}", scripts.meta_key(CHANNEL))
    await world.until(1)

    assert world.offsets() == [1]


async def test_reader_that_saw_more_brings_the_hub_up(world: World) -> None:
    """It comes from a process that was faster; the stream has what it has, so the hub reads it first."""
    position = await world.publish(3)
    newcomer = BookKeeper(world.hub, CHANNEL)
    newcomer.position = position
    await newcomer.subscribe()

    assert (newcomer.told, newcomer.faults, newcomer.seen) == (0, [], [])
    assert world.offsets() == [1, 2, 3]


async def test_position_in_the_future_is_told_and_harms_nobody(world: World) -> None:
    """Anybody can claim it."""
    position = await world.publish(3, heard=True)
    liar = BookKeeper(world.hub, CHANNEL)
    liar.position = Position(position.epoch, 10**9)
    await liar.subscribe()
    await world.publish(heard=True)
    await world.until(4)

    assert liar.told == 1
    assert world.offsets() == [1, 2, 3, 4]
    assert not world.keeper.must_come_back
