"""The hub: who is served from when on, from memory or from the stream, and what becomes of bad messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tandem import scripts
from tandem.async_shards import AsyncShards
from tandem.errors import RedisReplyError
from tandem.groups import group_for
from tandem.namespaces import Namespaces
from tandem.publication import Position, pack_body
from tandem_realtime.hub import Hub, Subscription, membership, recent
from tandem_realtime.hub.streams import Found, Streams
from tests.hub_clients import BookKeeper, DeafLayer

NAMESPACES = Namespaces({"p": {"history_size": 6, "history_ttl": 60}, "live": {}})
CHANNEL = "p:a"


class CountingStreams(Streams):
    """Streams that count their reads, and wait for `gate` in each."""

    def __init__(self, shards: AsyncShards) -> None:
        super().__init__(shards)
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, *args: Any, **options: Any) -> Found:
        """Count and read."""
        self.reads += 1
        await self.gate.wait()
        return await super().read(*args, **options)


class World:
    """A hub over a layer that says only what it is told to."""

    def __init__(self, url: str) -> None:
        self.shards = AsyncShards([url])
        self.layer = DeafLayer()
        self.streams = CountingStreams(self.shards)
        self.hub = Hub(self.layer, self.streams, NAMESPACES, recovery_limit=4)

    async def publish(self, count: int = 1, *, heard: bool = True) -> Position:
        """Publish, and let the layer deliver if *heard*."""
        for _ in range(count):
            body = pack_body(CHANNEL, b"0", tags=b"", info=b"", time=2**52, request="")
            call = scripts.publish_call(CHANNEL, NAMESPACES.of(CHANNEL), body, once=None)
            position = scripts.parse_published(await self.shards.run(CHANNEL, call)).position
            if heard:
                self.layer.say(CHANNEL, position, 0)
        return position

    def say(self, channel: str, message: dict[str, Any]) -> None:
        """Let the layer deliver any message."""
        self.layer.listeners[group_for(channel)](group_for(channel), msgspec.msgpack.encode(message))
        self.layer.read()

    async def client(self, since: Position | None = None, channel: str = CHANNEL) -> BookKeeper:
        """Return a client that has subscribed."""
        keeper = BookKeeper(self.hub, channel)
        keeper.position = since
        await keeper.subscribe()
        return keeper


@pytest_asyncio.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    """Nobody there yet."""
    world = World(redis_url)
    yield world
    await world.hub.stop()
    await world.shards.close()


async def test_who_comes_back_in_a_moment_is_served_from_memory(world: World) -> None:
    """A thousand that were cut off cost no read."""
    first = await world.client()
    position = await world.publish(4)
    back = [await world.client(Position(position.epoch, offset)) for offset in (4, 2, 0)]

    assert world.streams.reads == 0
    assert [[at.offset for at, _ in keeper.seen] for keeper in back] == [[], [3, 4], [1, 2, 3, 4]]
    assert first.faults == []


async def test_first_read_serves_the_next(world: World) -> None:
    """What was read for one is in memory for the others."""
    position = await world.publish(4, heard=False)
    back = await asyncio.gather(*(world.client(Position(position.epoch, 0)) for _ in range(20)))

    assert world.streams.reads == 1
    assert all([at.offset for at, _ in keeper.seen] == [1, 2, 3, 4] for keeper in back)


async def test_what_is_too_large_for_memory_is_read_once_for_all_who_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From where the read begins, or later; who wants more than it has asks again."""
    monkeypatch.setattr(recent, "MAX_BYTES", 1)
    epoch = (await world.publish(5, heard=False)).epoch
    world.streams.gate.clear()
    coming = [asyncio.create_task(world.client(Position(epoch, offset))) for offset in (2, 2, 3, 4, 1)]
    while not world.streams.reads:
        await asyncio.sleep(0.001)
    world.streams.gate.set()
    back = await asyncio.gather(*coming)

    assert world.streams.reads == 2
    assert [[at.offset for at, _ in keeper.seen] for keeper in back] == [
        [3, 4, 5],
        [3, 4, 5],
        [4, 5],
        [5],
        [2, 3, 4, 5],
    ]
    assert [keeper.told for keeper in back] == [0] * 5


async def test_publication_during_a_recovery_comes_once(world: World) -> None:
    """Heard while the stream is being read: in the reply or in a push, never in both or neither."""
    position = await world.publish(2, heard=False)
    await world.client()
    world.streams.gate.clear()
    coming = asyncio.create_task(world.client(Position(position.epoch, 0)))
    await asyncio.sleep(0.01)
    await world.publish()
    world.streams.gate.set()
    keeper = await coming
    await world.publish()
    await asyncio.sleep(0.01)

    assert [at.offset for at, _ in keeper.seen] == [1, 2, 3, 4]
    assert keeper.faults == []


async def test_channel_left_during_a_recovery_is_joined_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last subscriber went long ago, and Redis takes its time: who comes is served, not forgotten."""
    monkeypatch.setattr(membership, "LINGER_SECONDS", 0.0)
    position = await world.publish(2, heard=False)
    (await world.client()).leave()
    world.streams.gate.clear()
    coming = asyncio.create_task(world.client(Position(position.epoch, 0)))
    await asyncio.sleep(0.01)
    await world.hub._members.leave_idle(world.hub._source)
    was_left = not world.hub.channels
    world.streams.gate.set()
    keeper = await coming
    await world.publish()
    await asyncio.sleep(0.01)

    assert was_left
    assert [at.offset for at, _ in keeper.seen] == [1, 2, 3]


async def test_recovery_that_redis_refuses_serves_nobody(world: World) -> None:
    """The error goes to the client, which may try again; nothing is left behind."""
    position = await world.publish(2, heard=False)
    keeper = await world.client()
    await world.shards.clients[0].execute("SET", scripts.stream_key(CHANNEL), "not a stream")
    with pytest.raises(RedisReplyError, match="WRONGTYPE"):
        await world.client(Position(position.epoch, 1))

    assert world.hub.subscription_count == 1
    assert world.hub.channels[CHANNEL].reading is None
    assert keeper.faults == []


async def test_latest_is_read_once(world: World) -> None:
    """Then it is in memory."""
    await world.publish(3, heard=False)
    await world.hub.remember_latest(CHANNEL)
    [latest] = world.hub.latest(CHANNEL)
    await world.hub.remember_latest(CHANNEL)

    assert latest.offset == 3
    assert world.streams.reads == 1


async def test_latest_of_an_empty_channel_is_nothing(world: World) -> None:
    """And is not asked for again and again."""
    await world.hub.remember_latest(CHANNEL)

    assert world.hub.latest(CHANNEL) == []
    assert world.streams.reads == 0


BAD = {
    "no type": {"data": 1},
    "another type": {"type": "chat.message", "data": 1},
    "no data": {"type": "publication"},
    "an offset of another type": {"type": "publication", "data": 1, "offset": "7", "epoch": "e"},
    "data of another type": {"type": "publication", "json": "text"},
    "a join without info": {"type": "join"},
    "a join with info of another type": {"type": "leave", "info": 7},
}


@pytest.mark.parametrize("message", BAD.values(), ids=BAD.keys())
async def test_bad_message_harms_nobody(world: World, message: dict[str, Any]) -> None:
    """Anybody can send to the group: it is logged, and what comes next is delivered."""
    keeper = await world.client()
    world.say(CHANNEL, message)
    world.say("p:a", {"type": "publication", "json": b"0", "offset": 0})
    await world.publish()
    await asyncio.sleep(0.01)

    assert keeper.position is not None
    assert keeper.position.offset == 1


class Listener(BookKeeper):
    """Keeps what is written as it is."""

    def __init__(self, hub: Hub, channel: str) -> None:
        super().__init__(hub, channel)
        self.lines: list[Any] = []

    def write(self, data: bytes) -> None:
        """Take lines."""
        self.lines += [json.loads(line) for line in data.splitlines()]


async def test_plain_group_send_is_delivered(world: World) -> None:
    """Without offset, to whoever is there; the position stays."""
    listener = Listener(world.hub, CHANNEL)
    await listener.subscribe()
    world.say(CHANNEL, {"type": "publication", "data": {"x": 1}})
    await asyncio.sleep(0)

    assert listener.lines == [{"push": {"channel": CHANNEL, "pub": {"data": {"x": 1}}}}]


async def test_join_and_leave_come_in_order_with_publications(world: World) -> None:
    """To those who want them: what was published before a join is not pushed after it."""
    listener, other = Listener(world.hub, "live:a"), Listener(world.hub, "live:a")
    for keeper, client in ((listener, "c"), (other, "")):
        subscription = Subscription(keeper, "live:a")
        subscription.member = client
        await world.hub.subscribe(subscription, None)
    world.say("live:a", {"type": "publication", "data": 1})
    for name in ("c", "x"):  # of its own coming a client is told elsewhere
        world.say("live:a", {"type": "join", "channel": "live:a", "info": f'{{"user":"","client":"{name}"}}'})
    world.say("live:a", {"type": "publication", "data": 2})
    await asyncio.sleep(0)

    assert [list(line["push"])[1] for line in listener.lines] == ["pub", "join", "pub"]
    assert listener.lines[1] == {"push": {"channel": "live:a", "join": {"info": {"user": "", "client": "x"}}}}
    assert len(other.lines) == 2


async def test_lost_layer_is_told_where_there_is_no_history(world: World) -> None:
    """Nobody can say whether something was missed; with history the stream can."""
    live = await world.client(channel="live:a")
    kept = await world.client()
    world.hub._watch("lost", [group_for("live:a"), group_for(CHANNEL)])
    early = live.must_come_back
    world.hub._watch("restored", [group_for("live:a"), group_for(CHANNEL)])
    await asyncio.sleep(0.05)

    assert (early, live.must_come_back, kept.must_come_back) == (False, True, False)


async def test_restored_layer_is_checked_at_once(world: World) -> None:
    """What was published meanwhile arrives."""
    keeper = await world.client()
    await world.publish(2, heard=False)
    world.hub._watch("restored", [group_for(CHANNEL)])
    async with asyncio.timeout(20):
        while len(keeper.seen) < 2:
            await asyncio.sleep(0.01)

    assert keeper.faults == []


async def test_counts_are_of_live_objects(world: World) -> None:
    """What the gauges show."""
    keepers = [await world.client() for _ in range(3)]
    keepers[0].leave()

    assert (world.hub.subscription_count, len(world.hub.channels)) == (2, 1)
