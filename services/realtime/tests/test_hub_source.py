"""Live publications over Tandem's layer, and over any other of Channels'."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from tandem.layer import ChannelLayer
from tandem_realtime.hub import source
from tandem_realtime.hub.source import LayerSource, ReceivingSource, source_over
from tandem_realtime.hub.tasks import Tasks


class Ear:
    """Hears what a source receives and sees."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.complete: list[tuple[str, Any]] = []
        self.seen: list[tuple[str, list[str]]] = []
        self.tasks = Tasks()

    def receive(self, group: str, message: dict[str, Any]) -> None:
        """Take a message."""
        self.heard.append((group, message.get("n")))

    def received(self) -> None:
        """Take note that what was heard is all that there is for now."""
        self.complete = list(self.heard)

    def watch(self, event: str, groups: Sequence[str]) -> None:
        """Take an event."""
        self.seen.append((event, list(groups)))

    async def until(self, count: int) -> list[tuple[str, Any]]:
        """Wait for *count* messages, and to be told that there are no more for now."""
        async with asyncio.timeout(20):
            while len(self.complete) < count:
                await asyncio.sleep(0.005)
        return self.heard


@pytest_asyncio.fixture
async def ear() -> AsyncIterator[Ear]:
    """Nothing heard yet."""
    ear = Ear()
    yield ear
    await ear.tasks.stop()


LAYERS: dict[str, Any] = {
    "tandem": lambda url: ChannelLayer(hosts=[url]),
    "pubsub": lambda url: RedisPubSubChannelLayer(hosts=[url]),
    "core": lambda url: RedisChannelLayer(hosts=[{"address": url, "socket_timeout": None}]),
    "memory": lambda url: InMemoryChannelLayer(),
}


@pytest.mark.parametrize("kind", LAYERS)
async def test_groups_are_heard_until_left(kind: str, redis_url: str, ear: Ear) -> None:
    """In order, each group for itself, whatever the layer."""
    layer = LAYERS[kind](redis_url)
    heard = source_over(layer, ear.receive, ear.received, ear.watch, ear.tasks)
    for group in ("a", "b"):
        await heard.join(group)
    await asyncio.sleep(0.1)  # channels-redis does not wait for Redis
    for number in range(3):
        await layer.group_send("a", {"type": "x", "n": number})
    await layer.group_send("b", {"type": "x", "n": 9})
    await ear.until(4)
    await heard.leave(["a"])
    await asyncio.sleep(0.05)
    await layer.group_send("a", {"type": "x", "n": 3})
    await layer.group_send("b", {"type": "x", "n": 10})
    await ear.until(5)
    await ear.tasks.stop()
    await layer.flush() if kind != "core" else await layer.close_pools()

    assert [number for group, number in ear.heard if group == "a"] == [0, 1, 2]
    assert [number for group, number in ear.heard if group == "b"] == [9, 10]


async def test_own_layer_is_heard_in_the_call_that_reads() -> None:
    """No task and no queue between."""
    assert isinstance(source_over(ChannelLayer(), print, print, print, Tasks()), LayerSource)
    assert isinstance(source_over(InMemoryChannelLayer(), print, print, print, Tasks()), ReceivingSource)


async def test_what_cannot_be_decoded_is_dropped(redis_url: str, ear: Ear) -> None:
    """Anybody can publish to a group's channel in Redis."""
    layer = ChannelLayer(hosts=[redis_url])
    heard = LayerSource(layer, ear.receive, ear.received, ear.watch)
    await heard.join("a")
    heard._message("a", b"\xc1 not msgpack")
    heard._message("a", b"")
    await layer.group_send("a", {"type": "x", "n": 1})
    await ear.until(1)
    await layer.flush()

    assert ear.heard == [("a", 1)]


async def test_layer_that_fails_is_joined_again(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    """And whoever watches is told, so that what was lost is looked for."""
    monkeypatch.setattr(source, "RETRY_SECONDS", 0.01)

    class Failing(InMemoryChannelLayer):  # type: ignore[misc]  # Channels has no types
        failures = 2

        async def receive(self, channel: str) -> Any:
            if self.failures:
                self.failures -= 1
                raise ConnectionError("away")
            return await super().receive(channel)

    layer = Failing()
    await source_over(layer, ear.receive, ear.received, ear.watch, ear.tasks).join("a")
    async with asyncio.timeout(20):
        while len(ear.seen) < 2:
            await asyncio.sleep(0.005)
    await layer.group_send("a", {"type": "x", "n": 1})
    await ear.until(1)

    assert ear.seen == [("restored", ["a"])] * 2
    assert ear.heard == [("a", 1)]
