"""The channels of one shard that wait to be joined: some at a time, in the order in which they were first wanted."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.hub.source import Source
from tandem_realtime.hub.tasks import Tasks

Waiters = dict[asyncio.Future[LiveChannel], None]


class Joins:
    """
    Calls *join* for each channel that is wanted, for *most* of them at once.

    Many that want one cause one join. What waits is a name and no task: anybody may want thousands, and be gone.
    """

    def __init__(self, join: Callable[[str, Source], Awaitable[LiveChannel]], tasks: Tasks, *, most: int) -> None:
        self._join = join
        self._tasks = tasks
        self._free = most
        self._waiting: OrderedDict[str, Waiters] = OrderedDict()  # a dict looks for its first among all that have gone
        self._begun: dict[str, Waiters] = {}

    async def wait(self, name: str, source: Source) -> LiveChannel:
        """Return the channel *name* when it is joined. Raises what *join* raises."""
        if (waiters := self._begun.get(name, self._waiting.get(name))) is None:
            waiters = self._waiting[name] = {}
            if self._free:
                self._free -= 1
                self._tasks.spawn(self._work_off(source))
        waiter: asyncio.Future[LiveChannel] = asyncio.get_running_loop().create_future()
        waiters[waiter] = None
        try:
            return await waiter
        finally:
            del waiters[waiter]
            if not waiters and self._waiting.get(name) is waiters:  # nobody wants it any more
                del self._waiting[name]

    async def _work_off(self, source: Source) -> None:
        try:
            while self._waiting:
                name, waiters = self._waiting.popitem(last=False)
                self._begun[name] = waiters
                try:
                    self._tell(waiters, await self._join(name, source))
                except Exception as error:  # whoever waited has it; if all of them went away nobody needs it
                    self._tell(waiters, error)
                except BaseException:  # the end of the process
                    for waiter in waiters:
                        waiter.cancel()
                    raise
                finally:
                    del self._begun[name]
        finally:
            self._free += 1

    @staticmethod
    def _tell(waiters: Waiters, outcome: LiveChannel | Exception) -> None:
        for waiter in waiters:
            if waiter.done():
                continue
            if isinstance(outcome, Exception):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)
