"""The delivery tests over Redis as people run it: every publication once and in order, or the subscriber is told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import redis as redis_py

from rig.arrangements import Replicated, as_deployment, assert_all_whole, delivering, watched
from rig.keeper import until_whole
from rig.proxy import Proxy
from rig.secured import OWN, secure
from rig.servers import RedisServer, free_port

CHANNEL = "public:numbers"
PRODUCE_SECONDS = 5.0
LONG = [PRODUCE_SECONDS, pytest.param(60.0, marks=pytest.mark.slow)]


@pytest.mark.parametrize("seconds", LONG)
async def test_sentinel_fails_over_under_load(tmp_path: Path, seconds: float) -> None:
    """The master is killed; the replica takes over, and everybody follows. It may lack the last: then all are told."""
    with Replicated(tmp_path) as pair, watched(pair, tmp_path) as url:
        async with delivering(tmp_path, CHANNEL, {"redis_urls": url}) as (keepers, producer):
            await producer.publish(20)
            await until_whole(keepers, producer, seconds=20)
            load = asyncio.ensure_future(producer.publish_for(seconds))
            await asyncio.sleep(seconds / 8)
            pair.master.kill()
            await load
            await assert_all_whole(keepers, producer)
    assert all(keeper.record.told_at for keeper in keepers)  # a replica proves nothing about what it lacks
    assert all(keeper.record.connections == 1 for keeper in keepers)


@pytest.mark.parametrize("seconds", LONG)
async def test_failover_behind_one_address(tmp_path: Path, seconds: float) -> None:
    """The old master lives on as a replica, connections to it stay open: nobody stays there."""
    with Replicated(tmp_path) as pair:
        async with Proxy(pair.master.port) as proxy:
            async with delivering(tmp_path, CHANNEL, {"redis_urls": proxy.url}) as (keepers, producer):
                await producer.publish(20)
                await until_whole(keepers, producer, seconds=20)
                load = asyncio.ensure_future(producer.publish_for(seconds))
                await asyncio.sleep(seconds / 8)
                proxy.target = pair.replica.port
                await asyncio.to_thread(pair.promote)
                await load
                await assert_all_whole(keepers, producer)
                old = await asyncio.to_thread(subscribers_at, pair.master, CHANNEL)
    assert old == 0
    assert all(keeper.record.connections == 1 for keeper in keepers)


def subscribers_at(server: RedisServer, channel: str) -> int:
    """Return how many connections hear anything of Tandem there, a moment from now at most."""
    with redis_py.Redis.from_url(server.url) as client:
        for _ in range(200):
            names = client.pubsub_channels("asgi*")
            if not names:
                break
            time.sleep(0.1)
        return len(names)


async def test_tls_user_and_prefix(tmp_path: Path) -> None:
    """A CA of its own, a user who may touch nothing but the prefix, its password in a file: clients come and go."""
    secured = secure(tmp_path)
    with RedisServer(tmp_path, "--tls-port", str(port := free_port()), *secured.options, user=OWN):
        shop = {"redis_urls": f"rediss://localhost:{port}/0{secured.query}", **secured.settings}
        async with delivering(tmp_path, CHANNEL, shop) as (keepers, producer):
            load = asyncio.ensure_future(producer.publish_for(2))
            for keeper in keepers:
                await keeper.cut(0.2)
            await load
            await assert_all_whole(keepers, producer)
    assert all(not keeper.record.told_at for keeper in keepers)


@pytest.mark.parametrize(
    ("prefix", "number", "kept"),
    [
        pytest.param({"redis_prefix": "staging"}, 0, False, id="prefix-emptied"),
        pytest.param({"redis_prefix": "staging"}, 0, True, id="prefix-kept", marks=pytest.mark.slow),
        pytest.param({}, 1, False, id="number-emptied", marks=pytest.mark.slow),
        pytest.param({}, 1, True, id="number-kept"),
    ],
)
async def test_two_deployments_share_a_redis_that_restarts(
    tmp_path: Path, prefix: dict[str, str], number: int, kept: bool
) -> None:
    """By prefix or number: each has what is its own, in channels of one name, and notices the restart for itself."""
    options = ("--appendonly", "yes", "--appendfsync", "always") if kept else ()
    with RedisServer(tmp_path, *options) as redis:
        shop = {"redis_urls": redis.url}
        staging = {"redis_urls": f"{redis.url[:-1]}{number}", **prefix}
        async with (
            delivering(tmp_path, CHANNEL, shop, clients=2) as (keepers, producer),
            delivering(tmp_path, CHANNEL, staging, clients=2) as (others, other),
        ):
            both = ((shop, keepers, producer), (staging, others, other))
            for settings, _, each in both:
                with as_deployment(settings):
                    await each.publish(10)
            await until_whole(others, other, seconds=20)
            await asyncio.to_thread(redis.kill)
            await asyncio.to_thread(redis.start)
            for settings, heard, each in both:
                with as_deployment(settings):
                    await assert_all_whole(heard, each)
        assert [bool(keeper.record.told_at) for keeper in (*keepers, *others)] == [not kept] * 4
