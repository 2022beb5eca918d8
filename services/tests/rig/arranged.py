"""Each arrangement of Redis as one thing: who uses it, with which settings, and what may happen to it."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis

from rig.arrangements import MASTER, Replicated, watched
from rig.redis_cluster import RedisCluster
from rig.secured import OWN, Secured, secure
from rig.servers import RedisServer, free_port, is_listening, wait_until
from tandem.groups import shard_for
from tandem.redis.slots import BUCKETS

FREEZE_SECONDS = 0.3

Happening = Callable[[str], None]
"""What happens where that channel is. It ends when as much can happen again."""


class Arranged:
    """
    Some servers, and the settings (of ``TANDEM``) of each deployment that uses them. Use as a context manager.

    `happenings` are harmless (nothing is lost, so nobody is told anything); `failures` are not.
    """

    deployments: Sequence[Mapping[str, str]]
    servers: Sequence[RedisServer]
    failures: Mapping[str, Happening]

    def __init__(self) -> None:
        self.happenings: Mapping[str, Happening] = {
            "lose subscriptions": lambda _: self._ask_all("CLIENT", "KILL", "TYPE", "pubsub"),
            "lose connections": lambda _: self._ask_all("CLIENT", "KILL", "TYPE", "normal"),
            "forget scripts": lambda _: self._ask_all("SCRIPT", "FLUSH"),
            "freeze": lambda _: self._freeze(),
        }
        self.running = contextlib.ExitStack()

    def __exit__(self, *exc: object) -> None:
        self.running.close()

    def runs(self) -> list[str]:
        """Return which process and which role each server has."""
        found = []
        for server in self.servers:
            with redis.Redis.from_url(server.url) as client:
                found.append(f"{client.info('server')['run_id']} {client.info('replication')['role']}")
        return found

    def _ask_all(self, *command: str) -> None:
        for server in self.servers:
            with redis.Redis.from_url(server.url) as client:
                client.execute_command(*command)

    def _freeze(self) -> None:
        for server in self.servers:
            server.signal(signal.SIGSTOP)
        time.sleep(FREEZE_SECONDS)
        for server in self.servers:
            server.signal(signal.SIGCONT)


class One(Arranged):
    """One Redis, which is restarted empty; for *deployments*, each of which has a number or a prefix."""

    def __init__(
        self, directory: Path, *deployments: Mapping[str, str], secured: Secured | None = None, numbers: bool = False
    ) -> None:
        super().__init__()
        port = free_port()
        options = ("--tls-port", str(port), *secured.options) if secured else ()
        self.server = RedisServer(directory, *options, user=OWN if secured else "")
        self.servers = [self.server]
        urls = [f"{self.server.url[:-1]}{number if numbers else 0}" for number in range(max(1, len(deployments)))]
        if secured:
            urls, deployments = [f"rediss://127.0.0.1:{port}/0{secured.query}"], (secured.settings,)
        told = deployments or ({},)
        self.deployments = [{"redis_urls": url, **settings} for url, settings in zip(urls, told, strict=True)]
        self.failures = {"restart": lambda _: self._restart()}

    def __enter__(self) -> One:
        self.running.enter_context(self.server)
        return self

    def _restart(self) -> None:
        self.server.kill()
        self.server.start()


class Watched(Arranged):
    """A master with a replica, and a Sentinel that makes the one the other."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self.pair = Replicated(directory)
        self.servers = [self.pair.master, self.pair.replica]
        self.failures = {"fail over": lambda _: self._fail_over()}

    def __enter__(self) -> Watched:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.pair)
            url = stack.enter_context(watched(self.pair, self._directory))
            self.deployments = [{"redis_urls": url}]
            self._sentinel = int(url.partition("127.0.0.1:")[2].partition("/")[0])
            self.running = stack.pop_all()
        return self

    def _fail_over(self) -> None:
        with redis.Redis(port=self._sentinel, decode_responses=True) as sentinel:
            master = next(each for each in self.servers if each.port == self._master(sentinel))
            master.kill()
            wait_until(lambda: self._master(sentinel) != master.port, what="another master")
            other = next(each for each in self.servers if each is not master)
            master.start()
            with redis.Redis.from_url(master.url) as client:
                client.replicaof("127.0.0.1", other.port)
                wait_until(lambda: client.info("replication")["master_link_status"] == "up", what="the replica's link")
            wait_until(lambda: self._can_fail_over(sentinel), what="the Sentinel to see the replica")

    def _master(self, sentinel: Any) -> int:
        return int(sentinel.sentinel_get_master_addr_by_name(MASTER)[1])

    def _can_fail_over(self, sentinel: Any) -> bool:
        master, replicas = sentinel.sentinel_master(MASTER), sentinel.sentinel_slaves(MASTER)
        flags = master["flags"] if isinstance(master["flags"], str) else ",".join(master["flags"])
        return flags == "master" and [each["flags"] for each in replicas] == ["slave"]


class Clustered(Arranged):
    """Three masters with a replica each: slots move, and masters fail."""

    def __init__(self, directory: Path, secured: Secured | None = None) -> None:
        super().__init__()
        self.cluster = RedisCluster(directory, replicas=1, secured=secured)
        self.servers = self.cluster.nodes
        self.deployments = [{"redis_urls": self.cluster.url, **(secured.settings if secured else {})}]
        self.failures = {"move the slot": self._move, "fail over": self._fail_over}

    def __enter__(self) -> Clustered:
        self.running.enter_context(self.cluster)
        return self

    def _move(self, channel: str) -> None:
        bucket = shard_for(channel, BUCKETS)
        source = self.cluster.master_of(bucket)
        target = next(
            self.cluster.master_of(other) for other in range(BUCKETS) if self.cluster.master_of(other) is not source
        )
        self.cluster.move(bucket, target)
        wait_until(lambda: self.cluster.master_of(bucket) is target, what="the cluster to agree")

    def _fail_over(self, channel: str) -> None:
        bucket = shard_for(channel, BUCKETS)
        master = self.cluster.master_of(bucket)
        master.kill()
        wait_until(lambda: self._has_moved(bucket, master), what="another master")
        master.start()
        self.cluster.wait_until_whole()

    def _has_moved(self, bucket: int, master: RedisServer) -> bool:
        assert not is_listening(master.port)
        return self.cluster.master_of(bucket) is not master


ARRANGEMENTS: Mapping[str, Callable[[Path], One | Watched | Clustered]] = {
    "one": One,
    "sentinel": Watched,
    "cluster": Clustered,
    "tls-user-prefix": lambda directory: One(directory, secured=secure(directory)),
    "cluster-tls-user-prefix": lambda directory: Clustered(directory, secured=secure(directory)),
    "two-by-prefix": lambda directory: One(directory, {}, {"redis_prefix": "staging"}),
    "two-by-number": lambda directory: One(directory, {}, {}, numbers=True),
}
