"""Which node of a cluster is the master of a bucket, as an event loop knows it: asked for when that is in doubt."""

from __future__ import annotations

import asyncio
import functools
import random
import weakref
from collections.abc import Callable
from typing import Any

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.redis.address import Address
from tandem.redis.connection import Connection
from tandem.redis.cures import with_cure
from tandem.redis.slots import Node, SlotMap

PAUSE_SECONDS = 0.1
"""How long after an answer the next question waits: a cluster takes its time to agree on another master."""

_known: weakref.WeakValueDictionary[tuple[Any, ...], Masters] = weakref.WeakValueDictionary()


def masters_of(address: Address, *, timeout: float) -> Masters:
    """Return the masters of the cluster *address*, the same to all in this event loop who ask."""
    key = id(asyncio.get_running_loop()), address.label, address.username, address.password, address.tls is not None
    found = _known.get(key)
    if found is None or not found.is_of_this_loop:
        found = _known[key] = Masters(address, timeout=timeout)
    return found


class Masters:
    """
    The masters of one cluster. *watchers* are called when one of them is another than before.

    Nothing is asked until somebody is in `doubt`, or does not find whom he wants.
    """

    def __init__(self, address: Address, *, timeout: float) -> None:
        self.address = address
        self.failure: RedisUnavailable | None = None
        self.watchers: list[Callable[[], None]] = []
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._map = SlotMap()
        self._asking: asyncio.Task[None] | None = None
        self._answered_at = float("-inf")

    @property
    def is_of_this_loop(self) -> bool:
        """Tell whether the loop that runs is the one that this was made in."""
        return self._loop is asyncio.get_running_loop()

    def of(self, bucket: int) -> Node | None:
        """Return the master of *bucket*, if it is known."""
        return self._map.masters[bucket]

    async def find(self, bucket: int) -> Node:
        """Return the master of *bucket*. Raises `RedisUnavailable` where nobody tells."""
        if self._map.masters[bucket] is None:
            self.doubt()
            assert self._asking is not None
            await asyncio.wait([self._asking])
        node = self._map.masters[bucket]
        if node is None:
            raise self.failure or RedisUnavailable(self._text(f"no master for bucket {bucket}"))
        return node

    def doubt(self) -> None:
        """Ask soon, and tell the watchers what is otherwise than it was."""
        if self._asking is None or self._asking.done():
            self._asking = self._loop.create_task(self._ask(), name=f"masters of {self.address.label}")

    def moved(self, refusal: str, asked: Node) -> None:
        """Take note of the MOVED that *asked* said, and doubt the rest."""
        before = list(self._map.masters)
        self._map.move(refusal, asked)
        self._tell(before)
        self.doubt()

    async def close(self) -> None:
        """Stop asking, for now: others may go on with it."""
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask(self) -> None:
        await asyncio.sleep(max(0.0, self._answered_at + PAUSE_SECONDS - self._loop.time()))
        nodes = list(dict.fromkeys([*random.sample(self._map.nodes, len(self._map.nodes)), *self.address.seeds]))
        for node in nodes:
            try:
                reply = await self._ask_one(node)
            except (OSError, RedisReplyError, RedisUnavailable) as error:
                said = f"no answer for {self._timeout:g} s" if isinstance(error, TimeoutError) else str(error)
                failure = RedisUnavailable(self._text(f"{node.host}:{node.port}: {said}"))
                continue
            before = list(self._map.masters)
            self._map.take(reply, node)
            self.failure = None
            self._answered_at = self._loop.time()
            self._tell(before)
            return
        self.failure = failure
        self._answered_at = self._loop.time()

    async def _ask_one(self, node: Node) -> Any:
        address = self.address.at(node)
        make = functools.partial(Connection, label=address.label, timeout=self._timeout, on_lost=lambda *_: None)
        async with asyncio.timeout(self._timeout):
            _, connection = await self._loop.create_connection(make, node.host, node.port, ssl=address.tls)
            try:
                commands = [*address.greeting(), ("CLUSTER", "SLOTS")]
                asked = [connection.execute(command) for command in commands]
                *greeted, reply = await asyncio.gather(*asked, return_exceptions=True)
            finally:
                connection.lose("asked")
        if isinstance(reply, BaseException):
            refused = [each for each in greeted if isinstance(each, BaseException)]
            raise next(iter(refused), reply)
        return reply

    def _tell(self, before: list[Node | None]) -> None:
        if before != self._map.masters:
            for watcher in tuple(self.watchers):
                watcher()

    def _text(self, reason: str) -> str:
        return f"Redis at {self.address.label} is down: {with_cure(reason, is_tls=self.address.tls is not None)}"
