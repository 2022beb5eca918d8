"""Run the scripts from sync code in a Redis in cluster mode: its buckets as shards, a pool for each master."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import redis

from tandem import scripts
from tandem.connecting import pool_of
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.redis.address import Address
from tandem.redis.clustered import read_clustered
from tandem.redis.cures import with_cure
from tandem.redis.slots import BUCKETS, Node, SlotMap, bucket_in
from tandem.sync_shards import TIMEOUT_SECONDS, Command, Shards

HOPS = 3
PAUSE_SECONDS = 0.25
"""How long after an answer the next question about the masters waits."""


class ClusterShards(Shards):
    """
    Take the place of `Shards`. What goes to buckets of one master is one round trip.

    A master that cannot be reached fails what is for its buckets, at once as soon as that is known; meanwhile a thread
    looks for who has them now.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.count = BUCKETS
        self._url = url
        self._timeout = timeout
        self._masters = Masters(url, timeout)
        self._lock = threading.Lock()
        self._nodes: dict[Node, NodeShards] = {}

    def is_away(self, shard: int) -> bool:
        """Tell whether the master of a bucket is known not to answer."""
        node = self._masters.known(shard)
        is_away = node is not None and self._at(node).is_away(0)
        if is_away:
            self._masters.doubt()
        return is_away

    def is_whole(self) -> bool:
        """Return no: who asks of every node keeps those alive in memory that have left the cluster."""
        return False

    def run_each(self, calls: Sequence[tuple[int, Command]]) -> list[Any]:
        """Run scripts, in their order in each bucket. What failed has its error for a reply."""
        if len(calls) == 1:
            [(shard, command)] = calls
            try:
                return self._replies(shard, [command])
            except RedisUnavailable as error:
                return [error]
        replies: list[Any] = [None] * len(calls)
        self._carry(calls, replies, range(len(calls)))
        return replies

    def _replies(self, shard: int, commands: Sequence[Command]) -> list[Any]:
        replies = self._ask(self._masters.of(shard), commands)
        if left := [index for index, reply in enumerate(replies) if _is_moved(reply)]:
            self._carry([(shard, command) for command in commands], replies, left)
        return replies

    def _carry(self, calls: Sequence[tuple[int, Command]], replies: list[Any], left: Sequence[int]) -> None:
        """Put a reply in place for each of *calls* that is *left*, from wherever its bucket is by now."""
        for _ in range(HOPS):
            for node, indexes in self._by_node(calls, left, replies):
                answered = self._ask(node, [calls[index][1] for index in indexes])
                for index, reply in zip(indexes, answered, strict=True):
                    replies[index] = reply
            left = [index for index in left if _is_moved(replies[index])]
            if not left:
                return
        for index in left:
            replies[index] = RedisUnavailable(str(replies[index]))

    def pools(self) -> list[redis.ConnectionPool]:
        """Return every pool of connections."""
        return [pool for node in list(self._nodes.values()) for pool in node.pools()]

    @contextlib.contextmanager
    def hear(self, shard: int, name: str) -> Iterator[redis.client.PubSub]:
        """Hear what is published to *name* in a bucket. Raises what redis-py raises, also when the bucket moves."""
        node = self._masters.of(shard)
        try:
            with self._at(node).clients[0].pubsub() as heard:
                heard.ssubscribe(name)
                yield heard
        except (redis.RedisError, OSError):
            self._masters.doubt()
            raise

    def _by_node(
        self, calls: Sequence[tuple[int, Command]], indexes: Sequence[int], replies: list[Any]
    ) -> list[tuple[Node, list[int]]]:
        """Part *indexes* by the master that has their buckets, those of one bucket side by side."""
        by_node: dict[Node, list[int]] = {}
        for index in sorted(indexes, key=lambda index: calls[index][0]):
            try:
                by_node.setdefault(self._masters.of(calls[index][0]), []).append(index)
            except RedisUnavailable as error:
                replies[index] = error
        return list(by_node.items())

    def _ask(self, node: Node, commands: Sequence[Command]) -> list[Any]:
        try:
            replies = self._at(node)._replies(0, commands)
        except (RedisUnavailable, RedisReplyError) as error:
            replies = [error] * len(commands)
        for reply in replies:
            if _is_moved(reply):
                self._masters.moved(reply.text, node)
            elif isinstance(reply, RedisUnavailable):
                self._masters.doubt()
        return replies

    def _at(self, node: Node) -> NodeShards:
        with self._lock:
            if node not in self._nodes:
                self._nodes[node] = NodeShards([self._url], timeout=self._timeout, node=node)
            return self._nodes[node]


class NodeShards(Shards):
    """One node of a cluster."""

    def _said(self, shard: int, error: Exception) -> str:
        said = with_cure(str(error), is_tls=self._are_tls[shard])
        return said if said != str(error) else with_cure(f"{said} where the cluster says that a node of it is")

    def _batches(self, commands: Sequence[Command]) -> list[Sequence[Command]]:
        """No transaction is of two slots."""
        if len(commands) == 1:
            return [commands]
        return [list(batch) for _, batch in groupby(commands, _bucket_of)]


class Masters:
    """The masters of a cluster, as this process knows them. Safe to share between threads."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._label = Address.from_url(url).label
        self._seeds = read_clustered(url).nodes
        self._map = SlotMap()
        self._lock = threading.Lock()
        self._asker: threading.Thread | None = None
        self._asked_at = float("-inf")
        self._failure = ""

    def known(self, bucket: int) -> Node | None:
        """Return the master of *bucket*, if it is known."""
        return self._map.masters[bucket]

    def of(self, bucket: int) -> Node:
        """Return the master of *bucket*; whoever is first here asks for it. Raises `RedisUnavailable`."""
        node = self._map.masters[bucket]
        if node is None:
            with self._lock:
                if time.monotonic() - self._asked_at > PAUSE_SECONDS:
                    self._ask()
            node = self._map.masters[bucket]
        if node is None:
            raise RedisUnavailable(self._failure or with_cure(f"{self._label}: no master for bucket {bucket}"))
        return node

    def doubt(self) -> None:
        """Ask soon, in a thread of its own: nobody who is served waits for it."""
        with self._lock:
            if self._asker is None or not self._asker.is_alive():  # a fork has no threads but the one that forked
                self._asker = threading.Thread(target=self._ask_soon, name="tandem-masters", daemon=True)
                self._asker.start()

    def moved(self, refusal: str, asked: Node) -> None:
        """Take note of a MOVED that *asked* said, and doubt the rest."""
        self._map.move(refusal, asked)
        self.doubt()

    def _ask_soon(self) -> None:
        time.sleep(max(0.0, self._asked_at + PAUSE_SECONDS - time.monotonic()))
        self._ask()

    def _ask(self) -> None:
        nodes = self._map.nodes
        for node in dict.fromkeys([*random.sample(nodes, len(nodes)), *self._seeds]):
            try:
                reply = ask_slots(self._url, node, self._timeout)
            except (redis.RedisError, OSError) as error:
                said = with_cure(str(error), is_tls=self._url.startswith("rediss"))
                self._failure = f"{self._label}: {node.host}:{node.port}: {said}"
                continue
            self._map.take(reply, node)
            self._failure = ""
            break
        self._asked_at = time.monotonic()


def ask_slots(url: str, node: Node, timeout: float) -> Any:
    """Return what *node* answers to CLUSTER SLOTS, replica or not. Raises what redis-py raises."""
    pool = pool_of(url, connect_seconds=timeout, reply_seconds=timeout, node=node, takes_replicas=True)
    try:
        connection: Any = pool.get_connection()
        try:
            connection.send_command("CLUSTER", "SLOTS")
            return connection.read_response()
        finally:
            pool.release(connection)
    finally:
        pool.disconnect()


def _is_moved(reply: Any) -> bool:
    return isinstance(reply, RedisReplyError) and reply.code == "MOVED"


def _bucket_of(command: Command) -> int:
    return bucket_in(str(command.keys[0] if isinstance(command, scripts.Call) else command[1]))
