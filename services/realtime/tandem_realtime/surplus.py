"""
Work that was too much for one turn of the event loop, in the order in which it came: each turn does a part of it.

All clients of a process share that part, so however many send however much, whoever sends little waits some
milliseconds for theirs, and a publication for one turn.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable

from tandem_realtime.turn import turn_of


class Piece:
    """One piece of work, until it is done or cancelled. *is_elsewhere*: it only lets go of what works in a task."""

    __slots__ = ("_do", "is_elsewhere")

    def __init__(self, do: Callable[[], object], *, is_elsewhere: bool = False) -> None:
        self._do: Callable[[], object] | None = do
        self.is_elsewhere = is_elsewhere

    def cancel(self) -> None:
        """Have it never done."""
        self._do = None

    def do(self) -> bool:
        """Do it, unless it was cancelled; tell whether it was done."""
        if self._do is None:
            return False
        self._do()
        return True


class Surplus:
    """Pieces of work that wait for a turn of *loop*."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._turn = turn_of(loop)
        self._waiting: deque[Piece] = deque()
        self._is_scheduled = False

    def is_turn_over(self) -> bool:
        """Tell whether what is still to be done should wait here."""
        return self._turn.is_over()

    def add(self, do: Callable[[], object]) -> Piece:
        """Call *do* when it is its turn."""
        return self._add(Piece(do))

    async def turn(self) -> None:
        """Wait for one's turn."""
        future = self._loop.create_future()
        piece = self._add(Piece(lambda: future.set_result(None), is_elsewhere=True))
        try:
            await future
        except asyncio.CancelledError:
            piece.cancel()
            raise

    def _add(self, piece: Piece) -> Piece:
        self._waiting.append(piece)
        self._schedule()
        return piece

    def _schedule(self) -> None:
        if self._waiting and not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._do_some)

    def _do_some(self) -> None:
        """Do one piece, and more while there is time. What goes on in a task does so before the next piece."""
        self._is_scheduled = False
        self._turn.is_over()  # a turn that nobody times begins with the first question
        try:
            while self._waiting:
                piece = self._waiting.popleft()
                if piece.do() and (piece.is_elsewhere or self._turn.is_over()):
                    break
        finally:
            self._schedule()


_surplus: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Surplus] = weakref.WeakKeyDictionary()


def surplus_of(loop: asyncio.AbstractEventLoop) -> Surplus:
    """Return what waits for a turn of *loop*: its server and its sessions share one."""
    if loop not in _surplus:
        _surplus[loop] = Surplus(loop)
    return _surplus[loop]
