"""What one connection must be subscribed to, what it was told, and what Redis has confirmed. No I/O."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable


class Waiter:
    """Someone who waits until every name in `missing` is confirmed (or not wanted any more)."""

    __slots__ = ("done", "missing")

    def __init__(self, missing: set[bytes], done: Callable[[], None]) -> None:
        self.missing = missing
        self.done = done


class Subscriptions:
    """
    Follow each name from wanted over asked for to confirmed.

    Redis answers every SUBSCRIBE and UNSUBSCRIBE of a name, in order. So a name is confirmed when the last thing that
    Redis was told about it is SUBSCRIBE and no answer about it is outstanding, whatever went back and forth before.
    """

    def __init__(self) -> None:
        self.wanted: set[bytes] = set()
        self._asked: set[bytes] = set()
        self._unanswered: collections.Counter[bytes] = collections.Counter()
        self._changed: dict[bytes, None] = {}
        self._waiters: dict[bytes, list[Waiter]] = {}

    def want(self, name: bytes) -> None:
        """Have *name* subscribed from the next `changes` on."""
        self.wanted.add(name)
        self._changed[name] = None

    def drop(self, name: bytes) -> None:
        """Have *name* unsubscribed; nobody waits for it any longer."""
        self.wanted.discard(name)
        self._changed[name] = None
        self._release(name)

    def changes(self) -> tuple[list[bytes], list[bytes]]:
        """Return what the connection must now subscribe to and unsubscribe from, and count it as told."""
        subscribe = [name for name in self._changed if name in self.wanted and name not in self._asked]
        unsubscribe = [name for name in self._changed if name not in self.wanted and name in self._asked]
        self._changed.clear()
        self._asked.update(subscribe)
        self._asked.difference_update(unsubscribe)
        self._unanswered.update(subscribe)
        self._unanswered.update(unsubscribe)
        return subscribe, unsubscribe

    def answer(self, name: bytes) -> bool:
        """Take one answer of Redis about *name*; return whether that makes it confirmed."""
        if self._unanswered[name] > 1:
            self._unanswered[name] -= 1
            return False
        del self._unanswered[name]
        if name not in self._asked:
            return False
        self._release(name)
        return True

    def reset(self) -> None:
        """Start over: the connection is gone, and with it every subscription. Waiters go on waiting."""
        self._asked.clear()
        self._unanswered.clear()
        self._changed = dict.fromkeys(self.wanted)

    def is_confirmed(self, name: bytes) -> bool:
        """Tell whether Redis now sends what is published to *name*."""
        return name in self._asked and name not in self._unanswered

    def wait(self, names: Iterable[bytes], done: Callable[[], None]) -> Waiter | None:
        """Call *done* once all of *names* are confirmed; return None if they are already."""
        missing = {name for name in names if not self.is_confirmed(name)}
        if not missing:
            return None
        waiter = Waiter(missing, done)
        for name in missing:
            self._waiters.setdefault(name, []).append(waiter)
        return waiter

    def stop_waiting(self, waiter: Waiter) -> None:
        """Forget *waiter*, which gave up."""
        for name in waiter.missing:
            waiters = self._waiters[name]
            waiters.remove(waiter)
            if not waiters:
                del self._waiters[name]

    def _release(self, name: bytes) -> None:
        for waiter in self._waiters.pop(name, ()):
            waiter.missing.discard(name)
            if not waiter.missing:
                waiter.done()
