"""
Who has something to read, among any number of sockets: to the event loop they are one.

What asyncio does for a reader of its own, at each registration and at each event, costs more than the kernel's part.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Protocol

from tandem_realtime.turn import MOST_AT_ONCE, First, turn_of

LEAST_AT_ONCE = 16
"""How many are heard in a turn that is over before it has come to them."""


class Late(Protocol):
    """Who has something to send when others have been read."""

    def send_late(self) -> None:
        """Send it. Never raises."""


class Readers(First):
    """
    Calls back, once a turn of *loop*, for each file descriptor that can be read or has come to its end.

    Of a crowd each turn hears some; the kernel lets everybody have his turn. A descriptor must be discarded before it
    is closed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._turn = turn_of(loop)
        self._calls: dict[int, Callable[[], object]] = {}
        self._epoll = select.epoll()
        self.late: list[Late] | None = None
        loop.add_reader(self._epoll.fileno(), self.call)

    def add(self, fileno: int, call: Callable[[], object]) -> None:
        """Call *call* when there is something, in place of what was called before."""
        if fileno not in self._calls:
            self._epoll.register(fileno, select.EPOLLIN)
        self._calls[fileno] = call

    def discard(self, fileno: int) -> None:
        """Call nobody, if anybody was to be called."""
        if self._calls.pop(fileno, None) is not None:
            self._epoll.unregister(fileno)

    def call(self) -> None:
        """Call for those that have something now. What one of them raises is the loop's to tell."""
        self.together(self._call_some)

    def together(self, read: Callable[[], object]) -> None:
        """
        Do *read*, and let what is answered meanwhile go out at its end, of one socket after the other.

        To read, answer and write for each socket in turn costs a fifth more. Why is inferred: each of the three drives
        the others out of the processor's caches, and to wake who is answered is cheaper while he is awake.
        """
        late: list[Late] = []
        self.late = late
        try:
            read()
        finally:
            self.late = None
            for each in late:
                each.send_late()

    def _call_some(self) -> None:
        for number, (fileno, _) in enumerate(self._epoll.poll(0, MOST_AT_ONCE)):
            if number >= LEAST_AT_ONCE and self._turn.is_over():
                return  # with nothing of it read, the others cost nothing, and the kernel names them again
            if (call := self._calls.get(fileno)) is not None:
                try:
                    call()
                except Exception as error:  # the others are to be called all the same, as asyncio would do
                    self._loop.call_exception_handler({"message": f"Exception in {call!r}", "exception": error})


class LoopReaders:
    """The same by the loop's own means, where the kernel has no epoll."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.add, self.discard = loop.add_reader, loop.remove_reader
        self.late: list[Late] | None = None

    def together(self, read: Callable[[], object]) -> None:
        """Do *read*; each answer goes out by itself."""
        read()


AnyReaders = Readers | LoopReaders


def readers_of(loop: asyncio.AbstractEventLoop) -> AnyReaders:
    """Return what a server of *loop* has its sockets read by."""
    return Readers(loop) if hasattr(select, "epoll") else LoopReaders(loop)
