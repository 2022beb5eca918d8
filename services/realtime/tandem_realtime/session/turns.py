"""
Whose turn it is: what a client asks about one channel is done, and answered, in the order in which it was asked.

A client that subscribes, unsubscribes and subscribes again within a moment takes the first answer for that of the last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

MAX_WAITING = 256

Later = Callable[[], Coroutine[Any, Any, None]]
"""What has to be waited for, not begun: a task that is cancelled before it begins leaves nothing behind."""

Act = Callable[[], Later | None]
"""Does what was asked, or returns what remains to be done later."""


class Turns:
    """The turns of one client. Channels do not wait for each other. *spawn* runs work until the connection ends."""

    __slots__ = ("_spawn", "_waiting")

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], Any]) -> None:
        self._spawn = spawn
        self._waiting: dict[str, deque[Act]] = {}

    def is_full(self, channel: str) -> bool:
        """Tell whether so much waits in *channel* that nothing more should."""
        return len(self._waiting.get(channel, ())) >= MAX_WAITING

    def take(self, channel: str, act: Act) -> None:
        """Do *act* now, or when what came before it in *channel* is done."""
        if (waiting := self._waiting.get(channel)) is not None:
            waiting.append(act)
        elif (later := act()) is not None:
            self._waiting[channel] = deque()
            self._spawn(self._work_off(channel, later))

    async def _work_off(self, channel: str, later: Later | None) -> None:
        waiting = self._waiting[channel]
        try:
            while True:
                if later is not None:
                    await later()
                if not waiting:
                    return
                later = waiting.popleft()()
        finally:
            del self._waiting[channel]
