"""Those who must not notice: subscribers of one channel, and how late what is published there reaches them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from loadgen.client import Client
from loadgen.crowd import Crowd
from loadgen.deliveries import add_up
from loadgen.limits import PORTS_PER_ADDRESS, raise_file_limit
from loadgen.messages import MONOTONIC_BASE
from loadgen.swarm import Swarm
from loadgen.target import Target
from rig.adversary.publishing import publish

CHANNEL = "public:honest"
_ADDRESSES = 200
_WAVE = 20
_LATEST_SECONDS = 10.0


class Honest:
    """So many *clients*, each of an address of its own (up to 200), none of them the attacker's."""

    def __init__(self, address: tuple[str, int], clients: int, *, per_second: float) -> None:
        self.clients = clients
        raise_file_limit(clients)
        self.swarm = Swarm(Target(f"ws://{address[0]}:{address[1]}/ws/"))
        indexes = ((1 + number % _ADDRESSES) * PORTS_PER_ADDRESS + number for number in range(clients))
        self.crowd = Crowd(self.swarm, [Client(index, CHANNEL) for index in indexes], wave=_WAVE)
        self._pause = 1 / per_second
        self._published = 0

    def __enter__(self) -> Self:
        self.crowd.gather(seconds=60)
        if not self.crowd.is_live:
            raise TimeoutError(f"{self.swarm.live} of {self.clients} came in: {self.swarm.errors[:1]}")
        return self

    def __exit__(self, *exc: object) -> None:
        self.swarm.close()

    def listen(self, seconds: float) -> float:
        """Publish and hear for *seconds*; return the p99 of the latencies in milliseconds."""
        self.swarm.measure()
        before, due = self._published, time.monotonic()
        end = due + seconds
        while (now := time.monotonic()) < end:
            if now >= due:
                self._publish(due)
                due += self._pause
            self.swarm.turn(max(0.0, min(due, end) - time.monotonic()))
        expected = (self._published - before) * self.clients
        self.swarm.run(seconds=_LATEST_SECONDS, until=lambda: self.swarm.received >= expected)
        return self.swarm.latencies.percentile(99)

    def _publish(self, due: float) -> None:
        """Publish what was to go out at *due*: that the publisher had to wait is part of how late it is."""
        self._published += 1
        stamp = int(due * 1e9) + MONOTONIC_BASE
        publish(CHANNEL, {"s": f"T{stamp:019d}N{self._published:010d}"})

    def idle(self, until: Callable[[], bool], *, seconds: float) -> bool:
        """Answer pings until *until* holds; tell whether it did within *seconds*."""
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                return False
            self.swarm.run(seconds=0.1)
        return True

    @property
    def failures(self) -> dict[str, int]:
        """What they noticed beside the time: closes, and whatever is not whole in their records."""
        total = add_up(client.record for client in self.crowd.clients)
        found = {"closes": sum(self.crowd.closes.values()), "missing": total.missing, "repeats": total.repeats}
        return {name: count for name, count in found.items() if count}
