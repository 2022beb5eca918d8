"""A Redis in cluster mode, to sync and async code and to the layer: everything finds its master, and finds it again."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from rig.overrides import override_tandem
from rig.redis_cluster import RedisCluster
from rig.servers import wait_until
from tandem import conf, scripts
from tandem.async_shards import AsyncShards
from tandem.cluster_shards import ClusterShards, NodeShards
from tandem.doctor.redis import try_redis
from tandem.errors import RedisUnavailable, UnrecoverablePosition
from tandem.groups import layer_channel, name_for, publish_command, shard_for, shard_for_group
from tandem.layer import ChannelLayer
from tandem.poke import CHANNEL, poke_shard, poke_workers
from tandem.presence import change_call, enter, presence
from tandem.publication import Position
from tandem.publisher import Draft, publish, publish_many
from tandem.redis.slots import BUCKETS, TAGS, slot_of
from tandem.shards import shards
from tandem.streams import history
from tandem.sync_shards import Command
from tandem.tickets import create_ticket, parse_ticket, take_command
from tests.layers import Listener, receive, until

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"
CHANNELS = [f"public:{number}" for number in range(40)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Three masters."""
    with RedisCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def store(cluster: RedisCluster) -> Iterator[ClusterShards]:
    """The process's shards: the cluster, emptied."""
    for node in cluster.masters:
        cluster.ask(node, "FLUSHALL")
    namespaces = {"public": {"history_size": 50, "history_ttl": 60, "presence": True}}
    with override_tandem(redis_urls=[cluster.url], namespaces=namespaces):
        found = shards()
        assert isinstance(found, ClusterShards)
        yield found


@pytest_asyncio.fixture
async def others(cluster: RedisCluster) -> AsyncIterator[AsyncShards]:
    """The same, for the event loop."""
    shards = AsyncShards([cluster.url])
    yield shards
    await shards.close()


@pytest_asyncio.fixture
async def layer(cluster: RedisCluster) -> AsyncIterator[ChannelLayer]:
    """The channel layer over it."""
    layer = ChannelLayer()
    yield layer
    await layer.flush()


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each node was sent something and its replies were waited for, by its port."""
    counted: Counter[int] = Counter()
    exchange = NodeShards._exchange

    def count(self: NodeShards, shard: int, commands: Sequence[Command]) -> list[Any]:
        counted[self.clients[shard].connection_pool.connection_kwargs["port"]] += 1
        return exchange(self, shard, commands)

    monkeypatch.setattr(NodeShards, "_exchange", count)
    return counted


async def test_sync_and_async_agree(others: AsyncShards) -> None:
    """What one publishes the other reads, whichever master has it; neither takes the other for a restart."""
    published = {channel: await asyncio.to_thread(publish, channel, 1) for channel in CHANNELS}
    read = {
        channel: scripts.parse_entries(await others.run(channel, scripts.read_call(channel, None, 9))).state.position
        for channel in CHANNELS
    }

    assert read == published
    assert {position.offset for position in published.values()} == {1}


def test_batch_is_one_round_trip_to_each_master(cluster: RedisCluster, round_trips: Counter[int]) -> None:
    """However many buckets it is for; in each channel in order."""
    drafts = [Draft(channel, number) for number in range(3) for channel in CHANNELS]
    publish_many(drafts)
    round_trips.clear()
    positions = publish_many(drafts)

    assert round_trips == {node.port: 1 for node in cluster.masters}
    assert [position.offset for position in positions if isinstance(position, Position)] == [4] * 40 + [5] * 40 + [
        6
    ] * 40


@pytest.mark.parametrize("forgotten", [False, True], ids=["known", "forgotten"])
def test_order_stays_where_scripts_are_forgotten(cluster: RedisCluster, forgotten: bool) -> None:
    """Each bucket's calls are a transaction of its own."""
    publish("public:1", 0)
    if forgotten:
        for node in cluster.masters:
            cluster.ask(node, "SCRIPT", "FLUSH")
    publish_many([Draft(channel, number) for number in range(1, 9) for channel in CHANNELS])

    assert [each.data for each in history("public:1", limit=20).publications] == [b"%d" % n for n in range(9)]


def test_presence_tickets_and_what_else_is_kept(store: ClusterShards) -> None:
    """All that is no stream."""
    store.run("public:1", change_call("public:1", [enter("c", b'{"user":"u"}', "u")], announce=True))
    assert presence("public:1") == {"c": b'{"user":"u"}'}

    ticket = create_ticket("42")
    [reply] = store.commands(shard_for(ticket, store.count), [take_command(ticket)])
    assert parse_ticket(reply).user == "42"


async def test_taking_a_ticket_from_async_code(others: AsyncShards) -> None:
    """It is where its name says."""
    ticket = await asyncio.to_thread(create_ticket, "42")
    client = others.clients[shard_for(ticket, len(others.clients))]

    assert parse_ticket(await client.execute(*take_command(ticket))).user == "42"
    assert await client.execute(*take_command(ticket)) is None


async def test_layer_carries_groups_and_channels(layer: ChannelLayer, others: AsyncShards) -> None:
    """Groups and channels in every bucket, as anywhere; who publishes past the layer is told how many heard it."""
    listener = Listener(layer)
    groups = [f"group-{number}" for number in range(100)]
    await layer.listen(groups, listener.hear)
    for group in groups:
        await layer.group_send(group, {"type": "n", "number": 1})
    own = await layer.new_channel()
    await layer.group_add("group-1", own)
    await layer.group_send("group-1", {"type": "n", "number": 2})
    await layer.send(own, {"type": "direct"})
    await until(lambda: len(listener.got) == 101)

    assert sorted(group for group, _ in listener.got) == sorted([*groups, "group-1"])
    came = [await receive(layer, own) for _ in range(2)]
    assert sorted(each["type"] for each in came) == ["direct", "n"]  # two names, two masters, no order between them

    client = others.clients[shard_for_group("group-1", len(others.clients))]
    body = layer.serialize({"type": "n", "number": 3})
    assert await client.execute(*publish_command(layer_channel("group-1"), body)) == 1
    await layer.unlisten(groups, listener.hear)
    await layer.group_discard("group-1", own)
    async with asyncio.timeout(5):
        while await client.execute(*publish_command(layer_channel("group-1"), body)):
            await asyncio.sleep(0.01)


def test_worker_hears_a_poke(store: ClusterShards) -> None:
    """By the name that publishers know, on the master that has it."""
    heard = threading.Event()

    def hear() -> None:
        with store.hear(poke_shard(store.count), name_for(CHANNEL)) as pubsub:
            while not heard.is_set():
                if (pubsub.get_message(timeout=0.1) or {}).get("type") == "smessage":
                    heard.set()

    thread = threading.Thread(target=hear)
    thread.start()

    def is_heard() -> bool:
        poke_workers()
        return heard.wait(0.02)

    wait_until(is_heard, seconds=10, what="the poke")
    thread.join(10)


async def test_everybody_follows_a_slot(cluster: RedisCluster, others: AsyncShards, layer: ChannelLayer) -> None:
    """Publishers, readers and listeners; what is kept moves along, and readers are told, for nobody proves that."""
    before = await asyncio.to_thread(publish, "public:1", 1)
    listener, events = Listener(layer), []
    layer.watch(lambda event, groups: events.append((event, "here" in groups)))
    reads: list[bool] = []
    layer.after_reads(lambda: reads.append((group, {"type": "n"}) in listener.got))
    await others.run("public:1", scripts.read_call("public:1", before, 9))
    bucket = shard_for("public:1", BUCKETS)
    group = next(name for n in range(9999) if shard_for_group(name := f"g{n}", BUCKETS) == bucket)
    elsewhere = next(name for n in range(9999) if shard_for_group(name := f"g{n}", BUCKETS) == BUCKETS - 1 - bucket)
    await layer.listen([group, elsewhere], listener.hear)
    source = cluster.master_of(bucket)
    await asyncio.to_thread(cluster.move, bucket, next(node for node in cluster.masters if node is not source))
    await until(lambda: events and events[-1][0] == "restored" and events.count(("lost", False)) == len(events) / 2)
    await layer.group_send(group, {"type": "n"})
    await until(lambda: (group, {"type": "n"}) in listener.got)

    assert reads[-1]
    assert cluster.master_of(bucket) is not source
    found = scripts.parse_entries(await others.run("public:1", scripts.read_call("public:1", before, 9)))
    assert not found.continues
    with pytest.raises(UnrecoverablePosition):
        await asyncio.to_thread(history, "public:1", since=before, limit=9)
    after = await asyncio.to_thread(publish, "public:1", 2)
    assert (after.epoch, after.offset) == (found.state.position.epoch, 1)


async def test_slot_that_is_being_moved_says_so(cluster: RedisCluster, others: AsyncShards) -> None:
    """What is not whole anywhere is refused for now; nothing is done by halves, and it goes on afterwards."""
    bucket = shard_for("public:2", BUCKETS)
    source = cluster.master_of(bucket)
    target = next(node for node in cluster.masters if node is not source)
    slot = slot_of(TAGS[bucket])
    cluster.ask(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id_of(source))
    cluster.ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id_of(target))
    try:
        with pytest.raises(RedisUnavailable):
            await asyncio.to_thread(publish, "public:2", 1)
        with pytest.raises(RedisUnavailable):
            await others.run("public:2", scripts.read_call("public:2", None, 9))
    finally:
        for node in (source, target):
            cluster.ask(node, "CLUSTER", "SETSLOT", slot, "STABLE")

    assert (await asyncio.to_thread(publish, "public:2", 1)).offset == 1


def test_master_that_is_away_fails_its_channels_alone(cluster: RedisCluster) -> None:
    """At once as soon as that is known; the others go on."""
    store = ClusterShards(cluster.url)
    calls = [(store.of(channel), scripts.read_call(channel, None, 1)) for channel in CHANNELS]
    store.run_each(calls)
    gone = cluster.masters[0]
    owners = [cluster.master_of(shard) for shard, _ in calls]
    with cluster.paused(gone):
        replies = store.run_each(calls)
        known = store.run_each(calls)

        assert [isinstance(reply, RedisUnavailable) for reply in replies] == [owner is gone for owner in owners]
        assert [isinstance(reply, RedisUnavailable) for reply in known] == [owner is gone for owner in owners]
        assert [store.is_away(shard) for shard, _ in calls] == [owner is gone for owner in owners]
    wait_until(lambda: not any(store.is_away(shard) for shard, _ in calls), seconds=10)
    wait_until(lambda: all(isinstance(reply, list) for reply in store.run_each(calls)), seconds=10)
    store.close()


async def test_user_of_the_reference_is_enough(cluster: RedisCluster) -> None:
    """What is enough at one Redis is enough at every node, and the doctor finds nothing wrong."""
    [rules] = re.findall(r"^ACL SETUSER tandem on (.+)$", REFERENCE.read_text(), re.MULTILINE)
    for node in cluster.masters:
        cluster.ask(node, "ACL", "SETUSER", "tandem", "on", *rules.split())
    with override_tandem(redis_urls=[cluster.url], redis_user="tandem", redis_password="secret"):
        [url] = conf.redis_urls()
        await asyncio.to_thread(publish_many, [Draft(channel, 1, idempotency_key="once") for channel in CHANNELS])
        layer = ChannelLayer([url])
        listener = Listener(layer)
        assert await listener.numbers("unheard", 0) == []
        await layer.listen(["group"], listener.hear)
        await listener.numbers("group", 3)
        await until(lambda: len(listener.got) == 3)  # which another node carries than the marker
        assert listener.got == [("group", {"type": "n", "number": number}) for number in range(3)]
        await layer.flush()
        found = await asyncio.to_thread(lambda: list(try_redis(url)))

    assert [finding for finding in found if finding.level != "ok"] == []
