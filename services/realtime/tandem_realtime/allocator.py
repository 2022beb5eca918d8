"""Have the C library give memory back that large answers took, where it is glibc (2.33 and later for `Holes`)."""

from __future__ import annotations

import asyncio
import ctypes

from tandem_realtime.second import until_next

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
LARGE_BYTES = 262_144
HOLES_BYTES = 2**20
LOOK_SECONDS = 2.0
_library = ctypes.CDLL(None)


class _Mallinfo(ctypes.Structure):
    """`struct mallinfo2` of malloc.h: what mallinfo(3) tells."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def return_large_blocks() -> None:
    """
    Give blocks of that many bytes and more back to the kernel as soon as they are free.

    Left to itself glibc raises its threshold to the largest block that was ever freed, up to 32 MiB, and from then on
    such blocks leave holes that stay.
    """
    mallopt = getattr(_library, "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, 2 * LARGE_BYTES)


class Holes:
    """
    Gives the pages back that smaller blocks have left between those that stay: a crowd's publications of some KB each.

    To do so takes 5 ms for 100 MB, and is done once what is in use has fallen by HOLES_BYTES since the last time.
    """

    def __init__(self) -> None:
        self._mallinfo = getattr(_library, "mallinfo2", None)
        if self._mallinfo is not None:
            self._mallinfo.restype = _Mallinfo
        self._highest = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look every LOOK_SECONDS, where the library can tell; a look takes half a millisecond."""
        if self._mallinfo is not None:
            self._look(loop)

    def look(self) -> None:
        """Give back what has become free, if it is much."""
        in_use = self._in_use()
        self._highest = max(self._highest, in_use)
        if self._highest - in_use > HOLES_BYTES:
            _library.malloc_trim(0)
            self._highest = in_use

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self.look()
        loop.call_later(until_next(LOOK_SECONDS, loop.time()), self._look, loop)

    def _in_use(self) -> int:
        assert self._mallinfo is not None
        return int(self._mallinfo().uordblks)
