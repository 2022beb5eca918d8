"""The canary over a real Redis: it sings while publications arrive, and only then."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rig.servers import RedisServer
from tandem import conf
from tandem.async_shards import AsyncShards
from tandem.groups import shard_for
from tandem.layer import ChannelLayer
from tandem.namespaces import CANARY, INTERNAL, Namespaces, may_subscribe
from tandem_realtime.hub import Hub
from tandem_realtime.hub.streams import Streams
from tandem_realtime.observing.canary import NAMESPACE, Canary, canary_channels, oldest


class Nest:
    """A hub over one Redis, and a canary in it that sings often."""

    def __init__(self, url: str) -> None:
        self.layer = ChannelLayer(hosts=[url])
        self.shards = AsyncShards([url])
        self.hub = Hub(self.layer, Streams(self.shards), Namespaces(INTERNAL))
        self.canary = Canary(f"{CANARY}:n.0", self.hub, self.shards, interval=0.05, hurry=0.02)
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Nest:
        self.hub.start()
        self.task = asyncio.create_task(self.canary.run())
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.hub.stop()
        await self.shards.close()

    async def until_heard(self, seconds: float = 10) -> None:
        """Wait until a publication comes back."""
        before = self.canary.age
        async with asyncio.timeout(seconds):
            while self.canary.age >= before:  # its age is a clock, not an event
                before = self.canary.age
                await asyncio.sleep(0.01)


@pytest.fixture
async def nest(redis_url: str) -> AsyncIterator[Nest]:
    async with Nest(redis_url) as nest:
        yield nest


async def test_it_sings_again_and_again(nest: Nest) -> None:
    """Its age stays below the interval and what a round trip takes."""
    await nest.until_heard()

    ages = []
    for _ in range(30):
        await asyncio.sleep(0.01)
        ages.append(nest.canary.age)

    assert max(ages) < 0.25
    assert sorted(ages) != ages


async def test_a_redis_that_does_not_answer_is_noticed(tmp_path: Path) -> None:
    """While Redis is frozen the canary grows old; when it is back, so is the song, without a restart."""
    with RedisServer(tmp_path) as redis:
        async with Nest(redis.url) as nest:
            await nest.until_heard()

            redis.signal(signal.SIGSTOP)
            await asyncio.sleep(1.2)
            frozen = nest.canary.age
            redis.signal(signal.SIGCONT)

            assert frozen > 1
            await nest.until_heard()


async def test_a_redis_that_comes_late_is_awaited(tmp_path: Path) -> None:
    """A process that starts before Redis sings as soon as it can."""
    redis = RedisServer(tmp_path)
    async with Nest(redis.url) as nest:
        await asyncio.sleep(0.3)
        assert nest.canary.age >= 0.3

        with redis:
            await nest.until_heard()


def test_every_shard_has_a_canary() -> None:
    """With three shards there are three channels, one on each, and they are the node's own."""
    channels = canary_channels("node", 3)

    assert [shard_for(channel, 3) for channel in channels] == [0, 1, 2]
    assert set(channels).isdisjoint(canary_channels("other", 3))
    assert canary_channels("node", 1) == [f"{CANARY}:node.0"]


async def test_the_worst_canary_counts(nest: Nest) -> None:
    """One silent shard shows, however loud the others are."""
    silent = Canary(f"{CANARY}:n.1", nest.hub, nest.shards)
    await nest.until_heard()

    assert oldest([nest.canary, silent]) == pytest.approx(silent.age, abs=0.1)
    assert oldest([]) == 0.0


def test_the_settings_declare_its_namespace() -> None:
    """Whatever a deployment declares, the canary's namespace is there, and no client may subscribe to it."""
    namespace = Namespaces(conf.declared_namespaces({"public": None})).of(f"{CANARY}:n.0")

    assert namespace == NAMESPACE
    assert not may_subscribe(f"{CANARY}:n.0", namespace, "42")
