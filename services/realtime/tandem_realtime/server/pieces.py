"""Frames in pieces: what is large is not copied together, and several clients share it. No I/O here."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice


class Pieces:
    """Whole frames, or what of them has not been sent; its length is that of all its pieces together."""

    __slots__ = ("_left", "_size")

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._left = deque(piece for piece in pieces if piece)
        self._size = sum(map(len, self._left))

    def __len__(self) -> int:
        return self._size

    def buffers(self, most: int) -> Iterator[bytes | memoryview]:
        """Return the first *most* pieces."""
        return islice(self._left, most)

    def skip(self, count: int) -> None:
        """Forget *count* bytes that were sent."""
        self._size -= count
        while count:
            piece = self._left.popleft()
            if count < len(piece):
                self._left.appendleft(memoryview(piece)[count:])
                return
            count -= len(piece)
