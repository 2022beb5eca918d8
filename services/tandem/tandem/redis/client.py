"""Commands to one Redis from one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from tandem.errors import RedisUnavailable
from tandem.redis.address import Address
from tandem.redis.commands import Argument, Command, pack
from tandem.redis.connection import Connection
from tandem.redis.link import Link
from tandem.redis.run import Run

TIMEOUT_SECONDS = 1.0


class Runnable(Protocol):
    """A run of a script."""

    def evalsha(self, run: Run) -> Command:
        """Return the command for a connection to *run*."""


Asked: TypeAlias = Command | Runnable


def _packed(asked: Asked, connection: Connection) -> bytes:
    return pack(asked) if type(asked) is tuple else pack(asked.evalsha(connection.run))  # type: ignore[union-attr]  # a Call is a tuple of a type of its own


class RedisClient:
    """
    Pipeline commands over one connection that reconnects by itself in the background.

    One per address and event loop; it connects at the first command. A command fails with `RedisUnavailable` within
    *timeout* seconds, at once while Redis is known to be down. That is also the case while one of
    *tries*, sent at the beginning, is forbidden. An error reply raises `RedisReplyError`.
    Replies are bytes, not text.
    """

    def __init__(self, url: str | Address, *, timeout: float = TIMEOUT_SECONDS, tries: Sequence[Command] = ()) -> None:
        self.address = Address.from_url(url) if isinstance(url, str) else url
        self.timeout = timeout
        self._tries = tries
        self._loop: asyncio.AbstractEventLoop | None = None
        self._link: Link[Connection] | None = None
        self._waiting: list[tuple[Asked, asyncio.Future[Any], float]] = []
        self._is_closed = False

    async def execute(self, *args: Argument) -> Any:
        """Send one command and return its reply."""
        return await self.submit(*args)

    def submit(self, *args: Argument) -> asyncio.Future[Any]:
        """
        Send one command with all others of this turn of the loop in one write, and return the future of its reply.

        Cancelling the future does not take the command back.
        """
        return self.ask(args)

    async def run(self, call: Runnable) -> Any:
        """Run a script that Redis knows, and return its reply."""
        return await self.ask(call)

    def ask(self, asked: Asked) -> asyncio.Future[Any]:
        """Send a command or a run of a script, as `submit` does."""
        link = self._link or self._open()
        assert self._loop is not None
        future: asyncio.Future[Any] = self._loop.create_future()
        if link.connection is not None:
            link.connection.request(_packed(asked, link.connection), future, self._loop.time())
            return future
        if self._is_closed:
            future.set_exception(RedisUnavailable(f"the client of Redis at {self.address.label} is closed"))
            return future
        link.start()
        if link.failure is not None:
            future.set_exception(RedisUnavailable(str(link.failure)))
        else:
            self._waiting.append((asked, future, self._loop.time()))
        return future

    @property
    def is_up(self) -> bool:
        """Tell whether there is a connection now."""
        return self._link is not None and self._link.connection is not None

    @property
    def failure(self) -> RedisUnavailable | None:
        """Why Redis cannot be reached, while that is known."""
        return None if self._link is None else self._link.failure

    async def close(self) -> None:
        """Drop the connection; what still waits fails, and so does every later command."""
        self._is_closed = True
        if self._link is not None:
            await self._link.close()
        self._fail_waiting(RedisUnavailable(f"the client of Redis at {self.address.label} is closed"))

    def _open(self) -> Link[Connection]:
        self._loop = asyncio.get_running_loop()
        self._link = Link(self.address, Connection, self, timeout=self.timeout, purpose="commands", tries=self._tries)
        return self._link

    def _fail_waiting(self, error: RedisUnavailable) -> None:
        waiting, self._waiting = self._waiting, []
        for _, future, _ in waiting:
            if not future.done():
                future.set_exception(RedisUnavailable(str(error)))

    # What the link tells

    def link_up(self, connection: Connection) -> None:
        """Send what waited for the connection."""
        waiting, self._waiting = self._waiting, []
        for asked, future, since in waiting:
            connection.request(_packed(asked, connection), future, since)

    def link_lost(self, reason: str) -> None:
        """Nothing to do: the connection itself failed what it had sent."""

    def link_failed(self, error: RedisUnavailable) -> None:
        """Fail what waited for the connection."""
        self._fail_waiting(error)
