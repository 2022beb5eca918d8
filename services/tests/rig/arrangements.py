"""Redis as people run it, with a replica behind one address or behind Sentinels; and who publishes and hears there."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import redis
from django.test import override_settings

from rig.keeper import Keeper, Producer, assert_nothing_lost, until_whole
from rig.overrides import override_tandem
from rig.servers import RedisServer, Server, find_redis, free_port, wait_until

MASTER = "numbers"
BACK_SECONDS = 30.0  # 15 on a machine that has nothing else to do


@contextlib.asynccontextmanager
async def delivering(
    directory: Path, channel: str, settings: Mapping[str, str], *, clients: int = 4
) -> AsyncIterator[tuple[list[Keeper], Producer]]:
    """Start a realtime process with those *settings* (of ``TANDEM``), subscribers of *channel*, and a producer."""
    with serving(directory, settings) as url, as_deployment(settings):
        async with contextlib.AsyncExitStack() as stack:
            keepers = [Keeper(url, channel) for _ in range(clients)]
            await asyncio.gather(*(stack.enter_async_context(keeper) for keeper in keepers))
            yield keepers, Producer(channel)


@contextlib.contextmanager
def serving(directory: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Start a realtime process with those *settings*, and yield where its sockets are."""
    ports = {"BIND_PORT": free_port(), "PRIVATE_PORT": free_port()}
    given = {"DEBUG": 1, "BIND_HOST": "127.0.0.1", "DRAIN_SECONDS": "0.2", **ports}
    environ = {f"TANDEM_{name.upper()}": str(value) for name, value in {**given, **settings}.items()}
    command = [sys.executable, "-m", "tandem_realtime"]
    log = directory / f"realtime-{ports['BIND_PORT']}.log"
    with Server(command, ports["BIND_PORT"], env=environ, log=log):
        yield f"ws://127.0.0.1:{ports['BIND_PORT']}/ws/"


def as_deployment(settings: Mapping[str, str]) -> override_settings:
    """Publish where the deployment with those *settings* does."""
    told: dict[str, Any] = {"redis_prefix": "", **settings, "redis_urls": [settings["redis_urls"]]}
    return override_tandem(**told)


async def until_writes_are_back(producer: Producer) -> float:
    """Publish until one is confirmed, and return how long that took."""
    started, known = time.monotonic(), len(producer.confirmed)
    while len(producer.confirmed) == known:
        assert time.monotonic() - started < BACK_SECONDS
        await producer.publish(1)
        await asyncio.sleep(0.05)
    return time.monotonic() - started


async def assert_all_whole(keepers: list[Keeper], producer: Producer) -> None:
    """Whatever was lost was told, and what comes now arrives."""
    await until_writes_are_back(producer)
    await producer.publish(20)
    await until_whole(keepers, producer, seconds=30)
    assert all(not keeper.record.faults for keeper in keepers)
    assert_nothing_lost(keepers, producer)


class Replicated:
    """A master and its replica. Use as a context manager; inside, the replica has all that the master has."""

    def __init__(self, directory: Path, *options: str) -> None:
        folders = [directory / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        more = ("--repl-diskless-sync-delay", "0", *options)
        self.master, self.replica = (RedisServer(folder, *more) for folder in folders)

    def __enter__(self) -> Replicated:
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self.master)
        self._stack.enter_context(self.replica)
        with redis.Redis.from_url(self.replica.url) as client:
            client.replicaof("127.0.0.1", self.master.port)
            wait_until(lambda: client.info("replication")["master_link_status"] == "up", what="the replica's link")
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def promote(self) -> None:
        """Make the replica the master, and the master its replica, as a failover behind one address does."""
        with redis.Redis.from_url(self.replica.url) as client:
            client.replicaof("NO", "ONE")
        with redis.Redis.from_url(self.master.url) as client:
            client.replicaof("127.0.0.1", self.replica.port)


@contextlib.contextmanager
def watched(pair: Replicated, directory: Path) -> Iterator[str]:
    """Have a Sentinel watch *pair*, and yield the address of what it watches."""
    port = free_port()
    config = directory / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\n"
        f"sentinel monitor {MASTER} 127.0.0.1 {pair.master.port} 1\n"
        f"sentinel down-after-milliseconds {MASTER} 500\nsentinel failover-timeout {MASTER} 2000\n"
    )
    with Server([find_redis(), str(config), "--sentinel"], port, log=directory / "sentinel.log"):
        with redis.Redis(port=port) as sentinel:
            wait_until(lambda: len(sentinel.sentinel_slaves(MASTER)) == 1, what="the Sentinel to know the replica")
        yield f"redis+sentinel://127.0.0.1:{port}/{MASTER}/0"
