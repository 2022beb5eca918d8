"""The end of a stream, kept in memory: who comes back after a moment is served without asking Redis. No I/O here."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tandem.publication import Publication

MAX_PUBLICATIONS = 300
MAX_BYTES = 128 * 1024


class Recent:
    """
    The last publications up to the channel's offset, without a hole.

    No more than the stream has (*history_size*): what a client is told must not depend on which process it asks.
    """

    __slots__ = ("_bytes", "_most", "_publications")

    def __init__(self, history_size: int = MAX_PUBLICATIONS) -> None:
        self._publications: deque[Publication] = deque()
        self._most = min(history_size, MAX_PUBLICATIONS)
        self._bytes = 0

    def append(self, publication: Publication) -> None:
        """Add the next publication; the oldest go when there are too many."""
        self._publications.append(publication)
        self._bytes += len(publication.data)
        while len(self._publications) > self._most or self._bytes > MAX_BYTES:
            self._bytes -= len(self._publications.popleft().data)

    def prepend(self, publications: Sequence[Publication], *, until: int) -> None:
        """Add what lies before, oldest first, as much of it as fits and joins; *until* is the channel's offset."""
        first = self._publications[0].offset if self._publications else until + 1
        for publication in reversed(publications):
            size = self._bytes + len(publication.data)
            if publication.offset >= first:
                continue
            if publication.offset != first - 1 or len(self._publications) >= self._most or size > MAX_BYTES:
                return
            self._publications.appendleft(publication)
            self._bytes, first = size, publication.offset

    def after(self, offset: int, *, until: int) -> list[Publication] | None:
        """Return the publications *offset* + 1 to *until*, or None when they are not all here."""
        missing = until - offset
        if missing <= 0:
            return []
        kept = self._publications
        if missing > len(kept) or kept[-1].offset != until:
            return None
        return [kept[i] for i in range(len(kept) - missing, len(kept))]

    @property
    def last(self) -> Publication | None:
        """The newest publication, if any is here."""
        return self._publications[-1] if self._publications else None

    def forget_before(self, time: int) -> None:
        """Drop what was published before *time*, in milliseconds since 1970."""
        while self._publications and self._publications[0].time < time:
            self._bytes -= len(self._publications.popleft().data)

    def clear(self) -> None:
        """Drop everything."""
        self._publications.clear()
        self._bytes = 0
