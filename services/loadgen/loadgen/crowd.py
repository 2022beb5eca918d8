"""Brings clients in, and brings them back when a server sends them away."""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

from .client import Client, State
from .histogram import Histogram
from .swarm import Observer, Swarm

_PERMANENT = (range(3500, 4000), range(4500, 5000))
_BACKOFF_SECONDS = 0.5


class Crowd(Observer):
    """All clients of one process, of which at most `wave` are on their way in at any time."""

    def __init__(self, swarm: Swarm, clients: Iterable[Client], *, wave: int, seed: int = 1) -> None:
        self.swarm = swarm
        self.clients = list(clients)
        self.wave = wave
        self.random = random.Random(seed)
        self.opened = Histogram()
        self.closes: Counter[int] = Counter()
        self.closed_at: list[float] = []
        self.lost_for_good: list[Client] = []
        self.retries = True
        self._waiting: deque[Client] = deque()
        self._coming = 0
        swarm.observer = self

    @property
    def is_live(self) -> bool:
        """Tell whether everybody is subscribed who may be."""
        return self.swarm.live >= len(self.clients) - len(self.lost_for_good)

    def gather(self, *, seconds: float) -> float:
        """Bring everybody in; return how many seconds it took. `is_live` says whether it worked."""
        begin = time.monotonic()
        self._waiting.extend(client for client in self.clients if client.state == State.CLOSED)
        self._admit()
        self.swarm.run(seconds=seconds, until=lambda: self.is_live)
        return time.monotonic() - begin

    def come_back(self, client: Client, *, in_seconds: float) -> None:
        """Bring *client* in again later, on top of any wave."""
        self.swarm.timers.after(in_seconds, lambda: self._reopen(client))

    def meet(self, newcomers: Sequence[Client], *, seconds: float) -> None:
        """
        End the count: *newcomers*, one for each channel, are told where the stream stands now.

        Whoever stands elsewhere misses something, and whoever stands in another epoch was never told.
        """
        live = self.swarm.live + len(newcomers)
        for client in newcomers:
            self.swarm.open(client)
        self.swarm.run(seconds=seconds, until=lambda: self.swarm.live >= live)
        for client in self.clients:
            top = newcomers[client.channel_index].record
            if client.record.epoch == top.epoch:
                client.record.finish(top.offset)
            elif client not in self.lost_for_good:
                client.record.missing += 1
        for client in newcomers:
            self.swarm.cut(client)

    def cut_all(self) -> None:
        """Cut everybody off at once, with no close frame."""
        for client in self.clients:
            self.swarm.cut(client)
        self._waiting.clear()
        self._coming = 0

    def subscribed(self, client: Client, reply: dict[str, Any]) -> None:
        """Count how long it took, and let the next one come."""
        self.opened.record(time.monotonic_ns() - client.opened_at)
        self._coming = max(0, self._coming - 1)
        self._admit()

    def closed(self, client: Client, code: int, reason: str) -> None:
        """Come back with backoff, unless the code forbids it."""
        self.closes[code] += 1
        self.closed_at.append(time.monotonic())
        self._coming = max(0, self._coming - 1)
        if any(code in codes for codes in _PERMANENT):
            client.record.told += 1
            self.lost_for_good.append(client)
        elif self.retries:
            self.come_back(client, in_seconds=self.random.uniform(0, _BACKOFF_SECONDS))
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._coming < self.wave:
            self._coming += 1
            self._reopen(self._waiting.popleft())

    def _reopen(self, client: Client) -> None:
        if client.state == State.CLOSED and client not in self.lost_for_good:
            self.swarm.open(client)
