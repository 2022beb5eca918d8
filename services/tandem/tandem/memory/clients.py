"""The client of a store, in the place of a Redis's, for an event loop."""

from __future__ import annotations

import asyncio
from typing import Any

from tandem.errors import RedisReplyError
from tandem.memory import serving
from tandem.memory.store import store_at
from tandem.scripts import Call


class MemoryAddress:
    """Where a store is: in this process."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def label(self) -> str:
        """The address as logs show it."""
        return self.url


class MemoryClient:
    """Take the place of `RedisClient`."""

    is_up = True
    failure = None

    def __init__(self, url: str) -> None:
        self.address = MemoryAddress(url)
        self._store = store_at(url)

    async def execute(self, *args: Any) -> Any:
        """Return the reply to one command. Raises `RedisReplyError`; `RedisUnavailable` where nobody hears."""
        serving.check()
        return self._store.execute(*args)

    async def run(self, call: Call) -> Any:
        """Run a script and return its reply. Raises as `execute` does."""
        return await self.execute(*call.evalsha(self._store.run))

    def submit(self, *args: Any) -> asyncio.Future[Any]:
        """Carry out one command and return the future of its reply."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(self._store.execute(*args))
        except RedisReplyError as error:
            future.set_exception(error)
        return future

    async def close(self) -> None:
        """Nothing to close."""
