"""A Redis in cluster mode on loopback: masters, and a replica for each of them where one is to fail."""

from __future__ import annotations

import contextlib
import functools
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from rig.redis_program import need_clusters
from rig.secured import OWN, Secured
from rig.servers import RedisServer, free_port, is_listening, wait_until
from tandem.redis.slots import SLOTS, TAGS, slot_of

FAILOVER_MS = 2000
"""How long a node may be silent where it has a replica to take over."""
NODE_TIMEOUT_MS = 30_000
"""And where it has none: a machine that is busy is no reason to fail."""


class RedisCluster:
    """
    *masters* that share the slots evenly, each with so many *replicas*. Use as a context manager; inside, it serves.

    *options* are for every node; those of *secured* make it speak TLS, with everybody and within.
    """

    def __init__(
        self, directory: Path, *options: str, masters: int = 3, replicas: int = 0, secured: Secured | None = None
    ) -> None:
        need_clusters()
        timeout = str(FAILOVER_MS if replicas else NODE_TIMEOUT_MS)
        options = ("--cluster-node-timeout", timeout, *(_within(secured) if secured else ()), *options)
        self._secured = secured
        make = functools.partial(_node, options=options, secured=secured)
        self.masters = [make(directory / f"master-{number}") for number in range(masters)]
        self.replicas = [make(directory / f"replica-{number}") for number in range(masters * replicas)]

    @property
    def nodes(self) -> list[RedisServer]:
        """Everyone, up or not."""
        return [*self.masters, *self.replicas]

    @property
    def url(self) -> str:
        """The address of all of it."""
        scheme, query = ("rediss", self._secured.query) if self._secured else ("redis", "")
        return f"{scheme}+cluster://{','.join(f'127.0.0.1:{_port(node)}' for node in self.masters)}{query}"

    def __enter__(self) -> RedisCluster:
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            self._meet()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def ask(self, node: RedisServer, *command: str | int) -> str:
        """Return what *node* answers to a command."""
        with redis.Redis.from_url(node.url, decode_responses=True) as client:
            client.response_callbacks.clear()
            return str(client.execute_command(*command))

    def id_of(self, node: RedisServer) -> str:
        """Return what the cluster calls *node*."""
        return self.ask(node, "CLUSTER", "MYID")

    @contextlib.contextmanager
    def paused(self, node: RedisServer) -> Iterator[None]:
        """Have *node* say nothing meanwhile."""
        node.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            node.signal(signal.SIGCONT)
            wait_until(self._all(self._is_ok), what="the cluster to be whole")

    def master_of(self, bucket: int) -> RedisServer:
        """Return the node that has *bucket* now."""
        port = self._owners()[slot_of(TAGS[bucket])]
        return next(node for node in self.nodes if node.port == port)

    def wait_until_whole(self) -> None:
        """Wait until every slot has a master, and every replica what its master has."""
        wait_until(self._all(self._is_ok), what="the cluster to be whole")
        wait_until(self._all(self._follows), what="the replicas' links")

    def move(self, bucket: int, target: RedisServer) -> None:
        """Move the slot of *bucket* to *target*, with all that is in it."""
        self._move(slot_of(TAGS[bucket]), self.master_of(bucket), target)

    def _meet(self) -> None:
        share = [round(SLOTS * number / len(self.masters)) for number in range(len(self.masters) + 1)]
        for number, node in enumerate(self.masters):
            self.ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            self.ask(node, "CLUSTER", "ADDSLOTSRANGE", share[number], share[number + 1] - 1)
        wait_until(self._have_met, what="the nodes to know each other")
        for number, node in enumerate(self.replicas):
            self.ask(node, "CLUSTER", "REPLICATE", self.id_of(self.masters[number % len(self.masters)]))
        self.wait_until_whole()

    def _all(self, question: Callable[[RedisServer], bool]) -> Callable[[], bool]:
        return lambda: all(map(question, self.nodes))

    def _have_met(self) -> bool:
        """Tell whether all know each other. Who knows nobody meets the first, again where a first meeting lapsed."""
        first, *others = self.nodes
        known = {node.port: self.ask(node, "CLUSTER", "NODES").splitlines() for node in self.nodes}
        for node in others:
            if len(known[node.port]) == 1:
                self.ask(node, "CLUSTER", "MEET", "127.0.0.1", _port(first), _bus_port(first))
        return all(len(told) == len(self.nodes) and "handshake" not in "".join(told) for told in known.values())

    def _is_ok(self, node: RedisServer) -> bool:
        return "cluster_state:ok" in self.ask(node, "CLUSTER", "INFO")

    def _follows(self, node: RedisServer) -> bool:
        told = self.ask(node, "INFO", "replication")
        return "role:master" in told or "master_link_status:up" in told

    def _owners(self) -> dict[int, int]:
        alive = next(node for node in self.nodes if is_listening(node.port))
        with redis.Redis.from_url(alive.url) as client:
            client.response_callbacks.clear()
            ranges = client.execute_command("CLUSTER", "SLOTS")
        return {slot: port for first, last, (_, port, *_), *_ in ranges for slot in range(first, last + 1)}

    def _move(self, slot: int, source: RedisServer, target: RedisServer) -> None:
        """Do what ``redis-cli --cluster reshard`` does for one slot."""
        self.ask(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        self.ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(target))
        with redis.Redis.from_url(source.url) as client:
            client.response_callbacks.clear()
            user = target.user.rstrip("@").split(":") if target.user else []
            to = ("127.0.0.1", _port(target), "", 0, 1000, *(["AUTH2", *user] if user else []))
            while keys := client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 10):
                client.execute_command("MIGRATE", *to, "KEYS", *keys)
        for node in (target, source, *self.nodes):
            with contextlib.suppress(redis.RedisError):  # one that has failed, or a replica
                self.ask(node, "CLUSTER", "SETSLOT", slot, "NODE", self.id_of(target))


def _bus_port(node: RedisServer) -> int:
    return _option(node, "--cluster-port")


def _port(node: RedisServer) -> int:
    """Return where the others reach *node*."""
    return _option(node, "--tls-port") if "--tls-port" in node.command else node.port


def _option(node: RedisServer, name: str) -> int:
    return int(node.command[node.command.index(name) + 1])


def _within(secured: Secured) -> tuple[str, ...]:
    name, password = OWN.rstrip("@").split(":")
    return (
        *secured.options,
        *f"--tls-cluster yes --tls-replication yes --masteruser {name} --masterauth {password}".split(),
    )


def _node(directory: Path, options: tuple[str, ...], secured: Secured | None) -> RedisServer:
    directory.mkdir()
    return RedisServer(
        directory,
        *("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
        *(("--tls-port", str(free_port())) if secured else ()),
        *("--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", *options),
        user=OWN if secured else "",
    )
