"""The layer while Redis dies, freezes and vanishes: who is told what, when, and what is heard afterwards."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from typing import Any

import pytest
import redis.asyncio

from rig.proxy import Proxy
from rig.servers import RedisServer
from tandem.errors import RedisUnavailable
from tandem.layer import ChannelLayer
from tests.layers import receive, subscribers, until

GROUPS = [f"g{number}" for number in range(500)]


class Diary:
    """Write down what the layer tells and hears, and when."""

    def __init__(self, layer: ChannelLayer) -> None:
        self.layer = layer
        self.events: list[tuple[str, list[str]]] = []
        self.times: list[float] = []
        self.heard: list[str] = []
        layer.watch(self.write)

    def write(self, event: str, groups: Sequence[str]) -> None:
        """Take one event."""
        self.events.append((event, sorted(groups)))
        self.times.append(time.monotonic())

    def hear(self, group: str, data: bytes) -> None:
        """Take one message."""
        self.heard.append(group)

    async def until(self, count: int, *, seconds: float = 8) -> None:
        """Wait for the event number *count*."""
        await until(lambda: len(self.events) >= count, seconds=seconds)


def open_diary(opened: list[Any], *urls: str, **options: Any) -> Diary:
    """Return the diary of a new layer."""
    opened.append(ChannelLayer(hosts=list(urls), **options))
    return Diary(opened[-1])


async def send_surely(layer: ChannelLayer, group: str) -> None:
    """Send to *group* as soon as Redis takes it."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await layer.group_send(group, {"type": "x"})
            except RedisUnavailable:
                await asyncio.sleep(0.02)


async def test_killed_and_restarted(own_redis: RedisServer, opened: list[Any]) -> None:
    """Lost is told at once, restored when Redis has confirmed all: the very next message is heard."""
    diary = open_diary(opened, own_redis.url)
    await diary.layer.listen(GROUPS, diary.hear)

    killed = time.monotonic()
    own_redis.kill()
    await diary.until(1)
    assert diary.times[0] - killed < 0.5
    own_redis.start()
    started = time.monotonic()
    await diary.until(2)

    assert diary.events == [("lost", sorted(GROUPS)), ("restored", sorted(GROUPS))]
    assert diary.times[1] - started < 1.5
    assert await subscribers(own_redis.url, "asgi__group__g499") == 1
    await send_surely(diary.layer, "g499")
    await until(lambda: diary.heard == ["g499"])


async def test_restored_comes_before_the_next_message(redis_url: str, proxy: Proxy, opened: list[Any]) -> None:
    """Whoever repairs at restored has repaired before anything new arrives."""
    diary = open_diary(opened, proxy.url)
    sender = open_diary(opened, redis_url).layer
    await diary.layer.listen(["a"], lambda group, data: diary.events.append(("message", [])))
    stop = asyncio.Event()

    async def keep_sending() -> None:
        while not stop.is_set():
            await sender.group_send("a", {"type": "x"})
            await asyncio.sleep(0)

    sending = asyncio.ensure_future(keep_sending())
    await until(lambda: diary.events)
    proxy.cut()
    await until(lambda: ("restored", ["a"]) in diary.events)
    await until(lambda: diary.events[-1][0] == "message")
    stop.set()
    await sending

    after = diary.events[diary.events.index(("lost", ["a"])) :]
    assert [event for event, _ in after[:3]] == ["lost", "restored", "message"]


async def test_frozen(own_redis: RedisServer, opened: list[Any]) -> None:
    """A stopped Redis is lost within six seconds, and publishing fails within one."""
    diary = open_diary(opened, own_redis.url)
    await diary.layer.listen(GROUPS, diary.hear)
    await diary.layer.group_send("g1", {"type": "x"})

    own_redis.signal(signal.SIGSTOP)
    frozen = time.monotonic()
    with pytest.raises(RedisUnavailable):
        await diary.layer.group_send("g1", {"type": "x"})
    assert time.monotonic() - frozen < 1.5
    await diary.until(1)
    assert diary.times[0] - frozen < 6.5
    own_redis.signal(signal.SIGCONT)
    await diary.until(2)

    assert diary.events == [("lost", sorted(GROUPS)), ("restored", sorted(GROUPS))]
    diary.heard.clear()
    await send_surely(diary.layer, "g2")
    await until(lambda: "g2" in diary.heard)


async def test_frozen_while_something_is_asked(own_redis: RedisServer, opened: list[Any]) -> None:
    """A subscription that is not answered finds out a stopped Redis within a second."""
    diary = open_diary(opened, own_redis.url)
    await diary.layer.listen(["a"], diary.hear)

    own_redis.signal(signal.SIGSTOP)
    frozen = time.monotonic()
    with pytest.raises(RedisUnavailable):
        await diary.layer.listen(["b"], diary.hear)
    await diary.until(1)
    own_redis.signal(signal.SIGCONT)
    await diary.until(2)

    assert diary.times[0] - frozen < 1.5
    assert diary.events == [("lost", ["a", "b"]), ("restored", ["a", "b"])]


async def test_vanished_without_a_word(redis_url: str, proxy: Proxy, opened: list[Any]) -> None:
    """A half-open connection is lost within six seconds, and restored when there is a way again."""
    diary = open_diary(opened, proxy.url)
    await diary.layer.listen(["a"], diary.hear)

    proxy.swallow()
    vanished = time.monotonic()
    await diary.until(1)
    assert 4.5 < diary.times[0] - vanished < 6.5
    proxy.forward()
    await diary.until(2)

    assert diary.events == [("lost", ["a"]), ("restored", ["a"])]


async def test_idle_connection_stays(redis_url: str, proxy: Proxy, opened: list[Any]) -> None:
    """Pings keep an idle connection: Redis's own limit on idle ones and redis-py's five seconds do not apply."""
    diary = open_diary(opened, proxy.url)
    await diary.layer.listen(["a"], diary.hear)

    await asyncio.sleep(11)
    await diary.layer.group_send("a", {"type": "x"})
    await until(lambda: diary.heard == ["a"])

    assert diary.events == []
    assert proxy.accepted == 2, "one connection for commands, one for subscriptions"


async def test_second_loss_during_the_return(redis_url: str, proxy: Proxy, opened: list[Any]) -> None:
    """Cut again and again while it re-subscribes: every lost is followed by one restored, of everything."""
    diary = open_diary(opened, proxy.url)
    sender = open_diary(opened, redis_url).layer
    await diary.layer.listen(GROUPS, diary.hear)

    proxy.cut()
    await diary.until(1)
    for _ in range(20):
        proxy.cut()
        await asyncio.sleep(0)
    async with asyncio.timeout(8):
        while not diary.heard:
            await sender.group_send("g499", {"type": "x"})
            await asyncio.sleep(0.02)

    pairs = len(diary.events) // 2
    assert diary.events == [("lost", sorted(GROUPS)), ("restored", sorted(GROUPS))] * pairs


async def test_changes_while_it_is_lost(own_redis: RedisServer, opened: list[Any]) -> None:
    """What is listened to and dropped during the outage is so afterwards."""
    diary = open_diary(opened, own_redis.url)
    await diary.layer.listen(["kept", "dropped"], diary.hear)

    own_redis.kill()
    await diary.until(1)
    await diary.layer.unlisten(["dropped"], diary.hear)
    listening = asyncio.ensure_future(diary.layer.listen(["new"], diary.hear))
    await asyncio.sleep(0)
    own_redis.start()
    await listening
    await diary.until(2)

    assert diary.events == [("lost", ["dropped", "kept"]), ("restored", ["kept", "new"])]
    counts = [await subscribers(own_redis.url, f"asgi__group__{name}") for name in ("kept", "new", "dropped")]
    assert counts == [1, 1, 0]


async def test_one_shard_of_two(redis_url: str, own_redis: RedisServer, opened: list[Any]) -> None:
    """Only the groups of the shard that is gone are lost; the others go on."""
    diary = open_diary(opened, redis_url, own_redis.url)
    await diary.layer.listen(GROUPS, diary.hear)
    async with redis.asyncio.from_url(redis_url) as client:
        names = await client.pubsub_channels("asgi__group__*")
    on_first = [group for group in GROUPS if f"asgi__group__{group}".encode() in names]

    own_redis.kill()
    await diary.until(1)
    await diary.layer.group_send(on_first[0], {"type": "x"})
    await until(lambda: diary.heard == [on_first[0]])

    assert diary.events == [("lost", sorted(set(GROUPS) - set(on_first)))]


async def test_consumers_are_notified(own_redis: RedisServer, opened: list[Any]) -> None:
    """Every channel gets the messages that on_disconnect and on_reconnect name, and is in its groups afterwards."""
    layer = open_diary(opened, own_redis.url, on_disconnect="redis.gone", on_reconnect="redis.back").layer
    channel = await layer.new_channel()
    await layer.group_add("a", channel)

    own_redis.kill()
    assert await receive(layer, channel) == {"type": "redis.gone"}
    own_redis.start()
    assert await receive(layer, channel) == {"type": "redis.back"}
    await send_surely(layer, "a")

    assert await receive(layer, channel) == {"type": "x"}


async def test_failed_group_add_is_undone(own_redis: RedisServer, opened: list[Any]) -> None:
    """A channel whose group_add failed is not in the group when Redis is back; nor is a channel that never began."""
    diary = open_diary(opened, own_redis.url)
    channel = await diary.layer.new_channel()
    own_redis.kill()
    await diary.until(1)

    with pytest.raises(RedisUnavailable):
        await diary.layer.group_add("a", channel)
    with pytest.raises(RedisUnavailable):
        await diary.layer.new_channel()
    own_redis.start()
    await diary.until(2)

    assert await subscribers(own_redis.url, "asgi__group__a") == 0
    assert list(diary.layer._local().channels) == [channel]


async def test_failing_watcher_does_not_cost_the_others(own_redis: RedisServer, opened: list[Any]) -> None:
    """The exception is logged; the other watchers are told."""
    opened.append(layer := ChannelLayer(hosts=[own_redis.url]))
    layer.watch(lambda event, groups: 1 / 0)  # type: ignore[arg-type]  # fails on purpose
    diary = Diary(layer)
    await layer.listen(["a"], diary.hear)

    own_redis.kill()
    await diary.until(1)

    assert diary.events == [("lost", ["a"])]
