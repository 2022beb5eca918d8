"""
Work that was too much for one turn of the event loop: one piece of it a turn, in the order in which it came.

However many clients send however much, whoever sends little waits for one piece of theirs, some milliseconds at most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Piece:
    """One piece of work, until it is done or cancelled."""

    __slots__ = ("_do",)

    def __init__(self, do: Callable[[], object]) -> None:
        self._do: Callable[[], object] | None = do

    def cancel(self) -> None:
        """Have it never done."""
        self._do = None

    def do(self) -> None:
        """Do it, unless it was cancelled."""
        if self._do is not None:
            self._do()


class Surplus:
    """Pieces of work that wait."""

    def __init__(self) -> None:
        self._waiting: deque[Piece] = deque()
        self._is_scheduled = False

    def add(self, do: Callable[[], object]) -> Piece:
        """Call *do* when it is its turn."""
        piece = Piece(do)
        self._waiting.append(piece)
        self._schedule()
        return piece

    async def turn(self) -> None:
        """Wait for one's turn."""
        event = asyncio.Event()
        self.add(event.set)
        await event.wait()

    def _schedule(self) -> None:
        if self._waiting and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._do_one)

    def _do_one(self) -> None:
        self._is_scheduled = False
        piece = self._waiting.popleft()
        self._schedule()
        piece.do()
