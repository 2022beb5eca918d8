"""Keep one connection to a Redis alive: connect, greet, wait for the loss, come back."""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from redis.asyncio.sentinel import Sentinel

from tandem.errors import RedisUnavailable
from tandem.redis.address import Address
from tandem.redis.commands import Command, text_of
from tandem.redis.connection import DEMOTED, Connection
from tandem.redis.cures import with_cure
from tandem.redis.keepalive import backoff
from tandem.redis.run import read_greeting

logger = logging.getLogger("tandem.redis")

STABLE_SECONDS = 1.0

C = TypeVar("C", bound=Connection)
C_contra = TypeVar("C_contra", bound=Connection, contravariant=True)


_links: weakref.WeakSet[Link[Any]] = weakref.WeakSet()


class Listener(Protocol[C_contra]):
    """What a link tells its owner, synchronously."""

    def link_up(self, connection: C_contra) -> None: ...
    def link_lost(self, reason: str) -> None: ...
    def link_failed(self, error: RedisUnavailable) -> None: ...


class Link(Generic[C]):
    """
    Own at most one greeted connection, `connection`, and replace it when it is lost.

    The first retry comes at once, the next ones after a backoff of at most half a second. `failure` is set while the
    last attempt failed: Redis is known to be down.
    """

    def __init__(
        self,
        address: Address,
        connection_class: Callable[..., C],
        listener: Listener[C],
        *,
        timeout: float,
        purpose: str,
        tries: Sequence[Command] = (),
    ) -> None:
        self.address = address
        self.purpose = purpose
        self.timeout = timeout
        self.tries = tries
        self.connection: C | None = None
        self.failure: RedisUnavailable | None = None
        self._connection_class = connection_class
        self._listener = listener
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self._was_lost = False
        _links.add(self)

    def start(self) -> None:
        """Begin to connect, unless that is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._keep(), name=f"link to {self.address.label}")

    async def close(self) -> None:
        """Stop connecting and drop the connection; returns when its socket is closed."""
        self._is_closed = True
        connection = self.connection
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if connection is not None:
            connection.lose("closed here")
            await connection.closed.wait()

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        attempt = flaps = 0
        while True:
            started = clock()
            try:
                await self._come_up()
            except Exception as error:  # refused, no such name, bad certificate ...: whoever waits must be told
                self._fail(error)
            else:
                await self._lost.wait()
                flaps = flaps + 1 if clock() - started < STABLE_SECONDS else 0
                if flaps > 1:  # a Redis that drops us again and again must not be hammered
                    self._fail(ConnectionResetError("lost within a second of connecting"))
            attempt = attempt + 1 if self.failure else 0
            await asyncio.sleep(backoff(attempt) * random.uniform(0.75, 1))

    async def _come_up(self) -> None:
        self._lost.clear()
        connection: C | None = None
        try:
            async with asyncio.timeout(self.timeout):
                connection = await self._connect()
                await self._greet(connection)
            if not connection.is_open:
                raise ConnectionResetError("closed right after the greeting")
        except BaseException:
            if connection is not None:
                connection.lose("not greeted")
            raise
        if self._was_lost:
            logger.info("Redis at %s is back for %s", self.address.label, self.purpose)
        self._was_lost = False
        self.failure = None
        self.connection = connection
        self._listener.link_up(connection)

    async def _connect(self) -> C:
        loop = asyncio.get_running_loop()
        address = self.address
        make = functools.partial(
            self._connection_class, label=address.label, timeout=self.timeout, on_lost=self._connection_lost
        )
        if address.path:
            return (await loop.create_unix_connection(make, address.path))[1]
        host, port = await _find_master(address) if address.master_name else (address.host, address.port)
        return (await loop.create_connection(make, host, port, ssl=address.tls))[1]

    async def _greet(self, connection: C) -> None:
        commands = self.address.greeting()
        commands += self.tries
        futures = [connection.execute(command) for command in (*commands, *connection.questions)]
        replies: Sequence[Any] = await asyncio.gather(*futures, return_exceptions=True)
        replies, answers = replies[: len(commands)], replies[len(commands) :]
        for command, reply in zip(commands, replies, strict=True):
            # A user without the right to CLIENT or PING may still publish and subscribe.
            is_needed = command[0] in ("AUTH", "SELECT") or getattr(reply, "code", "") != "NOPERM"
            if command in self.tries:
                if getattr(reply, "code", "") == "NOPERM":
                    raise ConnectionRefusedError(f"NOPERM for {text_of(command[0])} {text_of(command[1])}: {reply}")
            elif isinstance(reply, BaseException) and is_needed and command[0] != "CLIENT":
                raise reply
        greeted = read_greeting(*answers, is_node=self.address.is_node)
        if greeted.refusal:
            raise ConnectionRefusedError(greeted.refusal)
        connection.run = greeted.run

    def _connection_lost(self, connection: Connection, reason: str) -> None:
        if connection is not self.connection:
            return  # it never came up: the attempt fails by itself
        self.connection = None
        if self._is_closed:
            return
        self._was_lost = True
        logger.warning("lost Redis at %s for %s: %s", self.address.label, self.purpose, reason)
        self._lost.set()
        self.start()
        self._listener.link_lost(reason)
        if reason == DEMOTED:
            self._tell_others()

    def _tell_others(self) -> None:
        """Have every connection to this address look where it leads: what subscribes gets no READONLY."""
        for link in list(_links):
            if link.address == self.address and link.connection is not None and link.is_of(asyncio.get_running_loop()):
                link.connection.lose(DEMOTED)

    def is_of(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Tell whether this link lives in *loop*."""
        return self._task is not None and self._task.get_loop() is loop

    def _fail(self, error: Exception) -> None:
        said = f"no answer for {self.timeout:g} s" if isinstance(error, TimeoutError) else str(error)
        reason = with_cure(said, is_tls=self.address.tls is not None)
        if self.address.is_node and reason == said:
            reason = with_cure(f"{said} where the cluster says that a node of it is")
        if self.failure is None:
            logger.warning("cannot reach Redis at %s for %s: %s", self.address.label, self.purpose, reason)
        self._was_lost = True
        self.failure = RedisUnavailable(f"Redis at {self.address.label} is down: {reason}")
        self._listener.link_failed(self.failure)


async def _find_master(address: Address) -> tuple[str, int]:
    """Ask the Sentinels where the master is now."""
    sentinel: Any = Sentinel(list(address.sentinels), sentinel_kwargs=dict(address.sentinel_options))
    try:
        host, port = await sentinel.discover_master(address.master_name)
    finally:
        for client in sentinel.sentinels:
            await client.aclose()
    return host, port
