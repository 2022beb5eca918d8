"""A stream as Redis has it: entries in the order of their ids. No I/O here."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from tandem.errors import RedisReplyError

TOO_SMALL = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
LAST = 2**64 - 1


class EntryId(NamedTuple):
    """The id of an entry: ``<first>-<second>``."""

    first: int
    second: int

    def __bytes__(self) -> bytes:
        return b"%d-%d" % self

    @classmethod
    def parse(cls, text: bytes, *, second: int) -> EntryId:
        """Read an id; *second* stands in where only its first half is given."""
        first, dash, rest = text.partition(b"-")
        try:
            return cls(int(first), int(rest) if dash else second)
        except ValueError:
            raise RedisReplyError("ERR Invalid stream ID specified as stream command argument") from None


class Stream:
    """Entries: ids and their flat lists of fields and values."""

    def __init__(self) -> None:
        self.ids: list[EntryId] = []
        self.fields: list[list[bytes]] = []
        self.last = EntryId(0, 0)

    def add(self, entry_id: EntryId, fields: list[bytes]) -> None:
        """Append an entry. Raises `RedisReplyError` for an id that is not above the last."""
        if entry_id <= self.last:
            raise RedisReplyError(TOO_SMALL)
        self.last = entry_id
        self.ids.append(entry_id)
        self.fields.append(fields)

    def next_id(self, now: float) -> EntryId:
        """Return the id of an entry that is added at *now* (seconds since 1970)."""
        fresh = EntryId(int(now * 1000), 0)
        return fresh if fresh > self.last else EntryId(self.last.first, self.last.second + 1)

    def trim(self, length: int) -> int:
        """Keep the last *length* entries; return how many went."""
        gone = max(0, len(self.ids) - length)
        del self.ids[:gone], self.fields[:gone]
        return gone

    def trim_below(self, entry_id: EntryId) -> int:
        """Keep the entries from *entry_id* on; return how many went."""
        gone = bisect_left(self.ids, entry_id)
        del self.ids[:gone], self.fields[:gone]
        return gone

    def between(self, low: bytes, high: bytes) -> list[tuple[bytes, list[bytes]]]:
        """Return the entries in a range as XRANGE says it: ``-``, ``+``, an id, or ``(`` and an id that is left out."""
        start = self._index(low, second=0, is_end=False)
        stop = self._index(high, second=LAST, is_end=True)
        return [(bytes(self.ids[i]), self.fields[i]) for i in range(start, stop)]

    def _index(self, bound: bytes, *, second: int, is_end: bool) -> int:
        if bound in (b"-", b"+"):
            return 0 if bound == b"-" else len(self.ids)
        is_open = bound.startswith(b"(")
        entry_id = EntryId.parse(bound.removeprefix(b"("), second=second)
        index = bisect_left(self.ids, entry_id)
        is_there = index < len(self.ids) and self.ids[index] == entry_id
        return index + 1 if is_there and is_open != is_end else index
