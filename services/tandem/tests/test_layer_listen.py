"""Listening to groups without a channel: confirmed, batched, and right whatever overlaps."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest
import redis

from rig.proxy import Proxy
from rig.servers import RedisServer
from tandem.errors import RedisUnavailable
from tandem.layer import ChannelLayer, local
from tests.layers import Listener, open_channel, receive, subscribers, until, until_subscribed


@pytest.fixture
def layer(redis_url: str, opened: list[Any]) -> ChannelLayer:
    """Our layer on the shared Redis."""
    opened.append(ChannelLayer(hosts=[redis_url]))
    layer: ChannelLayer = opened[-1]
    return layer


async def test_confirmed_when_it_returns(layer: ChannelLayer, redis_url: str) -> None:
    """Redis has every group when listen returns; what is sent from then on arrives."""
    listener = Listener(layer)

    await layer.listen(["a", "b"], listener.hear)

    assert [await subscribers(redis_url, f"asgi__group__{group}") for group in "ab"] == [1, 1]
    assert await listener.numbers("a", 3) == [0, 1, 2]
    assert await listener.numbers("b", 1) == [0]


async def test_calls_of_one_turn_share_a_round_trip(
    redis_url: str, proxy: Proxy, opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand calls at once are one SUBSCRIBE."""
    monkeypatch.setattr(local, "CONFIRM_SECONDS", 10)  # a busy machine is no Redis that is away
    layer = ChannelLayer(hosts=[proxy.url])
    opened.append(layer)
    with redis.Redis.from_url(redis_url) as client:
        await layer.listen(["first"], Listener(layer).hear)
        client.config_resetstat()

        await asyncio.gather(*(layer.listen([f"g{number}"], Listener(layer).hear) for number in range(1000)))

        stats = client.info("commandstats")
    assert stats["cmdstat_subscribe"]["calls"] == 1


async def test_several_listeners_of_one_group(layer: ChannelLayer, redis_url: str) -> None:
    """Each gets every message; the group stays subscribed until the last has gone."""
    one, two = Listener(layer), Listener(layer)
    await layer.listen(["a"], one.hear)
    await layer.listen(["a"], two.hear)
    await layer.listen(["a"], two.hear)

    await layer.unlisten(["a"], one.hear)
    assert await two.numbers("a", 2) == [0, 1]
    assert one.got == []
    await layer.unlisten(["a"], two.hear)

    await until_subscribed(redis_url, "asgi__group__a", 0)


async def test_listener_and_channel_of_one_group(layer: ChannelLayer, redis_url: str) -> None:
    """Listeners and Channels' own members of a group do not know of each other."""
    listener = Listener(layer)
    await layer.listen(["a"], listener.hear)
    channel = await open_channel(layer, redis_url, "a")

    await layer.group_send("a", {"type": "both"})
    assert await receive(layer, channel) == {"type": "both"}
    assert listener.got == [("a", {"type": "both"})]
    listener.got.clear()
    await layer.group_discard("a", channel)
    assert await listener.numbers("a", 1) == [0]


async def test_unlisten_while_the_subscribe_is_in_flight(layer: ChannelLayer, redis_url: str) -> None:
    """Who waits is let go, nothing is heard, and Redis ends unsubscribed."""
    listener = Listener(layer)
    listening = asyncio.ensure_future(layer.listen(["a"], listener.hear))
    await asyncio.sleep(0)

    await layer.unlisten(["a"], listener.hear)
    await asyncio.wait_for(listening, 0.5)

    await until_subscribed(redis_url, "asgi__group__a", 0)
    assert await listener.numbers("a", 1) == []


@pytest.mark.parametrize("turns", range(6))
async def test_listen_again_at_any_moment(layer: ChannelLayer, redis_url: str, turns: int) -> None:
    """Listen, unlisten, listen, with any number of turns of the loop in between: in the end it is heard, once."""
    listener = Listener(layer)
    first = asyncio.ensure_future(layer.listen(["a"], listener.hear))
    for _ in range(turns):
        await asyncio.sleep(0)
    await layer.unlisten(["a"], listener.hear)
    for _ in range(turns):
        await asyncio.sleep(0)

    await layer.listen(["a"], listener.hear)
    await first

    assert await subscribers(redis_url, "asgi__group__a") == 1
    assert await listener.numbers("a", 3) == [0, 1, 2]


async def test_many_at_once_in_any_order(layer: ChannelLayer, redis_url: str) -> None:
    """Whatever a hundred tasks do to ten groups at once, Redis ends with what is wanted."""
    listeners = [Listener(layer) for _ in range(10)]

    async def come_and_go(index: int) -> None:
        group, listener = f"g{index % 10}", listeners[index // 10]
        for turn in range(5):
            await layer.listen([group], listener.hear)
            for _ in range(index * turn % 3):
                await asyncio.sleep(0)
            await layer.unlisten([group], listener.hear)
        if index % 20 < 5:
            await layer.listen([group], listener.hear)

    await asyncio.gather(*(come_and_go(index) for index in range(100)))

    for number in range(10):
        await until_subscribed(redis_url, f"asgi__group__g{number}", 1 if number < 5 else 0)


async def test_failing_listener_does_not_cost_the_others(layer: ChannelLayer, caplog: pytest.LogCaptureFixture) -> None:
    """The exception is logged; the others get the message."""

    def fail(group: str, data: bytes) -> None:
        raise ZeroDivisionError

    listener = Listener(layer)
    await layer.listen(["a"], fail)
    await layer.listen(["a"], listener.hear)

    assert await listener.numbers("a", 2) == [0, 1]
    assert [record.message for record in caplog.records] == ["a listener of a failed"] * 2


async def test_listener_may_unlisten(layer: ChannelLayer, redis_url: str) -> None:
    """A callback may change what is listened to."""
    got: list[bytes] = []
    tasks: list[asyncio.Task[None]] = []

    def once(group: str, data: bytes) -> None:
        got.append(data)
        tasks.append(asyncio.ensure_future(layer.unlisten([group], once)))

    await layer.listen(["a"], once)
    await layer.group_send("a", {"type": "x"})

    await until_subscribed(redis_url, "asgi__group__a", 0)
    assert len(got) == 1


async def test_not_confirmed(opened: list[Any], own_redis: RedisServer) -> None:
    """Without Redis listen fails within a second; the interest stays and comes true when Redis is there."""
    port = own_redis.port
    own_redis.kill()
    layer = ChannelLayer(hosts=[f"redis://127.0.0.1:{port}"])
    opened.append(layer)
    listener, news = Listener(layer), list[tuple[str, list[str]]]()
    layer.watch(lambda event, groups: news.append((event, list(groups))))

    with pytest.raises(RedisUnavailable, match="did not confirm subscriptions within 1 s: asgi__group__a"):
        await layer.listen(["a"], listener.hear)
    assert news == [("lost", ["a"])]
    own_redis.start()
    await until(lambda: len(news) == 2)

    assert news[1] == ("restored", ["a"])
    assert await listener.numbers("a", 1) == [0]


async def test_taken_back_after_a_failure(opened: list[Any], own_redis: RedisServer) -> None:
    """What could not be confirmed and was taken back is not subscribed later."""
    own_redis.kill()
    layer = ChannelLayer(hosts=[own_redis.url])
    opened.append(layer)
    listener, news = Listener(layer), list[tuple[str, list[str]]]()
    layer.watch(lambda event, groups: news.append((event, list(groups))))
    with pytest.raises(RedisUnavailable):
        await layer.listen(["a", "b"], listener.hear)

    await layer.unlisten(["a"], listener.hear)
    own_redis.start()
    await until(lambda: len(news) == 2)

    assert news[1] == ("restored", ["b"])
    assert await subscribers(own_redis.url, "asgi__group__a") == 0


async def test_confirmed_late(redis_url: str, proxy: Proxy, opened: list[Any]) -> None:
    """A confirmation that comes after the caller was told of its failure is reported as restored."""
    layer = ChannelLayer(hosts=[proxy.url])
    opened.append(layer)
    news = list[tuple[str, list[str]]]()
    layer.watch(lambda event, groups: news.append((event, list(groups))))
    await layer.listen(["a"], Listener(layer).hear)

    listening = asyncio.ensure_future(layer.listen(["b"], Listener(layer).hear))
    await asyncio.sleep(0)
    listening.cancel()
    await until(lambda: news)

    assert news == [("restored", ["b"])]


async def test_held_up_process_does_not_blame_redis(layer: ChannelLayer) -> None:
    """When our own process stood still for the whole second, a confirmation that is there counts."""
    listener = Listener(layer)
    await layer.listen(["a"], listener.hear)
    listening = asyncio.ensure_future(layer.listen(["b"], listener.hear))
    for _ in range(2):
        await asyncio.sleep(0)

    time.sleep(1.2)  # noqa: ASYNC251  # the point: nothing runs
    await listening

    assert await listener.numbers("b", 1) == [0]


async def test_string_is_not_a_sequence_of_groups(layer: ChannelLayer) -> None:
    """One group is a list of one."""
    with pytest.raises(TypeError, match="got the string 'abc'"):
        await layer.listen("abc", print)


async def test_full_channel(redis_url: str, opened: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """A channel keeps the first *capacity* messages; the rest is counted, and logged once."""
    layer = ChannelLayer(hosts=[redis_url], capacity=3)
    opened.append(layer)
    channel = await open_channel(layer, redis_url, "a")
    listener = Listener(layer)
    await layer.listen(["a"], listener.hear)

    await listener.numbers("a", 10)

    assert [(await receive(layer, channel))["number"] for _ in range(3)] == [0, 1, 2]
    assert layer.dropped == 7
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        f"dropped 1 messages for full channels, the last for {channel}"
    ]


async def test_flush_forgets_listeners(layer: ChannelLayer, redis_url: str) -> None:
    """Flushed, the layer listens to nothing and holds no connection."""
    listener = Listener(layer)
    await layer.listen(["a"], listener.hear)

    await layer.flush()

    await until_subscribed(redis_url, "asgi__group__a", 0)
    assert await listener.numbers("a", 1) == []


@pytest.mark.parametrize("where", ["redis", "memory"])
async def test_end_of_a_read_is_told(redis_url: str, opened: list[Any], where: str) -> None:
    """In the same turn as its last message, and after it; a callback that fails costs neither others nor the socket."""
    layer = ChannelLayer(hosts=[redis_url if where == "redis" else "memory://read"])
    opened.append(layer)
    told, followed = list[str](), list[list[str]]()
    layer.after_reads(lambda: 1 / 0)  # type: ignore[arg-type]  # fails on purpose
    layer.after_reads(lambda: told.append("read"))
    layer.watch(lambda event, groups: told.append(event))

    def hear(group: str, data: bytes) -> None:
        told.append(group)
        asyncio.get_running_loop().call_soon(lambda heard: followed.append(told[heard:]), len(told))

    await layer.listen(["a", "b"], hear)
    for group in ("a", "b", "a"):
        await layer.group_send(group, {"type": "x"})
    await until(lambda: len(followed) == 3)

    assert all("read" in after for after in followed)
    assert "lost" not in told
