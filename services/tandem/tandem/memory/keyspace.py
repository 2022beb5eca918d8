"""The keys of a store: values of Redis's types, each with its lifetime. The clock is passed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tandem.errors import RedisReplyError
from tandem.memory.stream import Stream

WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


class Hash(dict[bytes, bytes]):
    """Fields and their values."""


class SortedSet(dict[bytes, float]):
    """Members and their scores."""

    def between(self, low: float, high: float, *, is_open: bool) -> list[bytes]:
        """Return the members whose score is in that range, lowest first; *is_open* leaves *low* itself out."""
        ordered = sorted(self.items(), key=lambda item: (item[1], item[0]))
        return [member for member, score in ordered if (low < score if is_open else low <= score) and score <= high]


class List(list[bytes]):
    """A list."""


class Set(set[bytes]):
    """A set."""


Value = bytes | Hash | SortedSet | List | Set | Stream
V = TypeVar("V", bytes, Hash, SortedSet, List, Set, Stream)


class Keyspace:
    """Values by key. An empty value is no value, and one that has run out is gone."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._values: dict[bytes, Value] = {}
        self._ends: dict[bytes, float] = {}

    def get(self, key: bytes, kind: type[V]) -> V | None:
        """Return the value of *key*, or None. Raises `RedisReplyError` for a value of another type."""
        value = self._values.get(key) if self._is_alive(key) else None
        if value is None or isinstance(value, kind):
            return value
        raise RedisReplyError(WRONG_TYPE)

    def open(self, key: bytes, kind: type[V]) -> V:
        """Return the value of *key*, made if there is none."""
        value = self.get(key, kind)
        if value is None:
            value = kind()
            self._values[key] = value
        return value

    def set(self, key: bytes, value: bytes) -> None:
        """Give *key* a text, without an end."""
        self._values[key] = value
        self._ends.pop(key, None)

    def delete(self, key: bytes) -> bool:
        """Take *key* away; tell whether it was there."""
        existed = self._is_alive(key)
        self._values.pop(key, None)
        self._ends.pop(key, None)
        return existed

    def tidy(self, key: bytes) -> None:
        """Take *key* away when its value is empty, as Redis does with all but streams."""
        value = self._values.get(key)
        if not value and not isinstance(value, Stream | bytes):
            self.delete(key)

    def has(self, key: bytes) -> bool:
        """Tell whether *key* is there."""
        return self._is_alive(key)

    def names(self) -> list[bytes]:
        """Return every key."""
        return [key for key in list(self._values) if self._is_alive(key)]

    def expire(self, key: bytes, seconds: float) -> bool:
        """End *key* in *seconds*; tell whether it is there."""
        if not self._is_alive(key):
            return False
        if seconds <= 0:
            return self.delete(key)
        self._ends[key] = self.clock() + seconds
        return True

    def seconds_left(self, key: bytes) -> float | None:
        """Return how long *key* has to live; None when it has no end."""
        return self._ends[key] - self.clock() if key in self._ends else None

    def _is_alive(self, key: bytes) -> bool:
        if self._ends.get(key, float("inf")) <= self.clock():
            self._values.pop(key, None)
            self._ends.pop(key, None)
        return key in self._values
