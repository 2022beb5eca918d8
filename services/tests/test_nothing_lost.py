"""Whatever happens between producer and subscriber: every publication once and in order, or the subscriber is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import redis as redis_py

from rig.keeper import Keeper, Producer, assert_nothing_lost, until_whole
from rig.overrides import override_tandem
from rig.proxy import Proxy
from rig.servers import RedisServer, Server, free_port
from rig.unheard import publish_unheard
from tandem.errors import RedisReplyError, RedisUnavailable

CHANNEL = "public:numbers"
CLIENTS = 8
APPEND_ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")

Room = tuple[list[Keeper], Producer]


@contextlib.asynccontextmanager
async def running(redis: RedisServer, directory: Path, *, clients: int = CLIENTS, via: str = "") -> AsyncIterator[Room]:
    """Start a realtime process that reaches Redis at *via* (else directly), clients in one channel, and a producer."""
    environ = {
        "TANDEM_REDIS_URLS": via or redis.url,
        "TANDEM_DEBUG": "1",
        "TANDEM_BIND_HOST": "127.0.0.1",
        "TANDEM_BIND_PORT": str(free_port()),
        "TANDEM_PRIVATE_PORT": str(free_port()),
        "TANDEM_DRAIN_SECONDS": "0.2",
    }
    realtime = Server(
        [sys.executable, "-m", "tandem_realtime"],
        int(environ["TANDEM_BIND_PORT"]),
        env=environ,
        log=directory / "realtime.log",
    )
    with override_tandem(redis_urls=[redis.url]), realtime:
        async with contextlib.AsyncExitStack() as stack:
            url = f"ws://127.0.0.1:{realtime.port}/ws/"
            keepers = [Keeper(url, CHANNEL) for _ in range(clients)]
            await asyncio.gather(*(stack.enter_async_context(keeper) for keeper in keepers))
            yield keepers, Producer(CHANNEL)


async def test_fifty_clients_cut_off_ten_times_each(redis_server: RedisServer, redis_url: str, tmp_path: Path) -> None:
    """500 publications, 50 clients, each cut off 10 times for up to 2 s: 500 of 500, in order, none twice."""
    dice = random.Random(20_261_122)

    async def cut_now_and_then(keeper: Keeper) -> None:
        for _ in range(10):
            await asyncio.sleep(dice.uniform(0, 0.4))
            await keeper.cut(dice.choice([0, 0.1, 0.5, dice.uniform(0, 2)]))

    async with running(redis_server, tmp_path, clients=50) as (keepers, producer):
        await asyncio.gather(producer.publish(500, every=0.02), *(cut_now_and_then(keeper) for keeper in keepers))
        await until_whole(keepers, producer, seconds=10)

        assert [keeper.record.seen for keeper in keepers] == [list(range(500))] * 50
        assert all(not keeper.record.told_at and not keeper.record.faults for keeper in keepers)
        assert sum(keeper.record.connections for keeper in keepers) >= 50 * 8


async def test_message_that_the_layer_lost_comes_with_the_next(
    redis_server: RedisServer, redis_url: str, tmp_path: Path
) -> None:
    """On a healthy connection, the next publication uncovers the gap and both arrive, in order."""
    async with running(redis_server, tmp_path) as (keepers, producer):
        await producer.publish(3)
        publish_unheard(producer)
        await producer.publish(1)
        await until_whole(keepers, producer, seconds=1)

        assert [keeper.record.seen for keeper in keepers] == [[0, 1, 2, 3, 4]] * CLIENTS
        assert_nothing_lost(keepers, producer)


async def test_message_that_the_layer_lost_comes_with_the_position_check(
    redis_server: RedisServer, redis_url: str, tmp_path: Path
) -> None:
    """Without a next publication, the check one second after the first subscription repairs it."""
    async with running(redis_server, tmp_path) as (keepers, producer):
        publish_unheard(producer)
        took = await until_whole(keepers, producer, seconds=4)

        assert took < 3.5
        assert_nothing_lost(keepers, producer)


def restart(redis: RedisServer, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Kill Redis with SIGKILL and start it again."""
    redis.kill()
    meanwhile()
    time.sleep(0.5)
    redis.start()


async def test_redis_restarted_without_persistence(tmp_path: Path) -> None:
    """Everything in Redis is gone: every subscriber is told, and whole again from then on."""
    with RedisServer(tmp_path) as redis:
        async with running(redis, tmp_path) as (keepers, producer):
            await producer.publish(20)
            await until_whole(keepers, producer, seconds=2)
            await asyncio.gather(asyncio.to_thread(restart, redis), producer.publish_for(1.5))
            await producer.publish(20)
            await until_whole(keepers, producer, seconds=5)

            assert all(keeper.record.told_at for keeper in keepers)
            assert all(keeper.record.connections == 1 for keeper in keepers)
            assert_nothing_lost(keepers, producer)


async def test_redis_restarted_with_every_write_kept(tmp_path: Path) -> None:
    """Append-only with fsync on every write: nobody is told, nothing is missing."""
    with RedisServer(tmp_path, *APPEND_ALWAYS) as redis:
        async with running(redis, tmp_path) as (keepers, producer):
            await producer.publish(20)
            await asyncio.gather(asyncio.to_thread(restart, redis), producer.publish_for(1.5))
            await producer.publish(20)
            await until_whole(keepers, producer, seconds=5)

            assert all(not keeper.record.told_at and keeper.record.connections == 1 for keeper in keepers)
            assert_nothing_lost(keepers, producer)


async def test_redis_restarted_with_the_end_of_its_file_cut_off(tmp_path: Path) -> None:
    """Subscribers that stand ahead of what is left prove the loss: everyone is told."""

    def cut_file() -> None:
        [file] = [*tmp_path.glob("appendonlydir/*.incr.aof"), *tmp_path.glob("appendonly.aof")]  # Redis before 7
        os.truncate(file, file.stat().st_size - 3000)

    with RedisServer(tmp_path, *APPEND_ALWAYS) as redis:
        async with running(redis, tmp_path) as (keepers, producer):
            await producer.publish(40)
            await until_whole(keepers, producer, seconds=2)
            await asyncio.gather(asyncio.to_thread(restart, redis, cut_file), producer.publish_for(1.5))
            await producer.publish(60)
            await until_whole(keepers, producer, seconds=5)

            assert all(keeper.record.told_at for keeper in keepers)
            assert_nothing_lost(keepers, producer)


@pytest.mark.parametrize("seconds", [4, pytest.param(30, marks=pytest.mark.slow)])
async def test_redis_frozen(tmp_path: Path, seconds: float) -> None:
    """No socket drops, publishes fail within a second, and all are whole within 5 s of its return."""
    with RedisServer(tmp_path) as redis:
        async with running(redis, tmp_path) as (keepers, producer):
            await producer.publish(10)
            redis.signal(signal.SIGSTOP)
            await producer.publish_for(seconds)
            redis.signal(signal.SIGCONT)
            await producer.publish(10)
            took = await until_whole(keepers, producer, seconds=5)

            assert took < 5
            assert producer.longest < 1.1
            assert producer.failed
            assert all(isinstance(error, RedisUnavailable) for error in producer.failed.values())
            assert all(keeper.record.connections == 1 for keeper in keepers)
            assert_nothing_lost(keepers, producer)


async def test_redis_emptied(tmp_path: Path) -> None:
    """FLUSHALL is a new epoch: every subscriber is told."""
    with RedisServer(tmp_path) as redis:
        async with running(redis, tmp_path) as (keepers, producer):
            await producer.publish(10)
            await until_whole(keepers, producer, seconds=2)
            with redis_py.Redis.from_url(redis.url) as client:
                client.flushall()
            await producer.publish(10)
            await until_whole(keepers, producer, seconds=5)

            assert all(keeper.record.told_at for keeper in keepers)
            assert_nothing_lost(keepers, producer)


async def test_redis_gone_without_a_fin(redis_server: RedisServer, redis_url: str, tmp_path: Path) -> None:
    """The network swallows everything: the process notices by itself, and no socket drops."""
    async with Proxy(redis_server.port) as network:
        async with running(redis_server, tmp_path, via=network.url) as (keepers, producer):
            await producer.publish(5)
            network.swallow()
            await producer.publish_for(8, every=0.1)
            network.forward()
            await producer.publish(5)
            await until_whole(keepers, producer, seconds=5)

            assert all(keeper.record.connections == 1 for keeper in keepers)
            assert_nothing_lost(keepers, producer)


async def test_redis_out_of_memory(tmp_path: Path) -> None:
    """What cannot be kept is not sent either: the publish fails with its type, and nobody sees a hole."""
    with RedisServer(tmp_path, "--maxmemory-policy", "noeviction") as redis:
        async with running(redis, tmp_path) as (keepers, producer):
            await producer.publish(5)
            with redis_py.Redis.from_url(redis.url) as client:
                client.config_set("maxmemory", "1mb")
                await producer.publish(5)
                client.config_set("maxmemory", "0")
            refused = dict(producer.failed)
            await producer.publish(5)
            await until_whole(keepers, producer, seconds=5)

            assert list(refused) == [5, 6, 7, 8, 9]
            assert all(isinstance(error, RedisReplyError) for error in refused.values())
            assert [keeper.record.seen for keeper in keepers] == [[0, 1, 2, 3, 4, 10, 11, 12, 13, 14]] * CLIENTS


@pytest.mark.parametrize("seconds", [13, pytest.param(65, marks=pytest.mark.slow)])
async def test_idle_connection_stays(redis_server: RedisServer, redis_url: str, tmp_path: Path, seconds: float) -> None:
    """Nothing on the way to Redis or to the client gives up a connection because nothing was said."""
    async with running(redis_server, tmp_path) as (keepers, producer):
        await asyncio.sleep(seconds)
        await producer.publish(1)
        await until_whole(keepers, producer, seconds=1)

        assert all(keeper.record.connections == 1 and not keeper.record.told_at for keeper in keepers)
