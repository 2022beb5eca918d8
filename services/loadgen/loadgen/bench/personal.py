"""Personal channels, each with its presence: everybody joins his own at once, stays, and all leave at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from loadgen import frames
from loadgen.bench import contenders, meters
from loadgen.bench.load import Load
from loadgen.bench.visits import Visit
from loadgen.client import Client
from loadgen.limits import raise_file_limit
from loadgen.target import Target
from rig.servers import Server
from tandem.tokens import connection_token

KEY = "key-of-the-benchmark-0123456789abcdef"
OPTIONS = {"history_size": 100, "history_ttl": 3600, "recovery": True, "personal": True}
SETTLE_SECONDS = 2.0
HOLD_SECONDS = 54.0
"""Four times the 12 to 15 s after which a process tells Redis again who is present."""


@dataclass(frozen=True)
class Personal(Target):
    """A server that subscribes each client to its user's own channel, since its connection token names the user."""

    by_connecting: bool = True

    def connecting(self, index: int) -> bytes:
        """Return the frame with the connect command of user *index*."""
        speech = self.speech(index)
        return frames.client_frame(speech.connect(connection_token(KEY, str(index), ttl=3600)), speech.OPCODE)


class Spent(NamedTuple):
    """Microseconds of CPU: of the server beyond what it spends by itself, and of Redis."""

    server: float
    redis: float


class PersonalVisit(Visit):
    """A visit whose clients join, stay and leave together."""

    def __init__(
        self,
        contender: contenders.Contender,
        server: Server,
        redis_url: str,
        redis: meters.RedisMeter,
        *,
        by_connecting: bool = True,
    ) -> None:
        super().__init__(contender, server, Load(0, 0.0, 0), redis_url)
        self.swarm.aim(Personal(contender.url, by_connecting=by_connecting))
        self.redis = redis
        self.nobodys = 0
        self.by_itself = 0.0

    def begin(self) -> None:
        """Learn what the server costs while nobody is there."""
        self.warm()
        self.swarm.run(seconds=SETTLE_SECONDS + 4.0)  # channels linger
        self.nobodys = self.redis.subscriptions()
        self.by_itself = self.watch(SETTLE_SECONDS)

    def measure(self, size: int) -> dict[str, Any]:
        """Let *size* clients join, stay and leave; return what each join, second and leave cost."""
        join, hold, leave = self.join(size), self.hold(), self.leave()
        return {
            "workload": f"personal-{size}",
            "contender": self.contender.name,
            "clients": size,
            "join_cpu_us": join.server / size,
            "presence_cpu_us": hold.server / size,
            "leave_cpu_us": leave.server / size,
            "redis_join_cpu_us": join.redis / size,
            "redis_presence_cpu_us": hold.redis / size,
            "redis_leave_cpu_us": leave.redis / size,
        }

    def join(self, size: int, *, wave: int = 0) -> Spent:
        """Bring *size* clients in, of whom *wave* are on their way at once (0: all)."""
        self.crowd.wave = wave or size
        return self._cost(lambda: self._join(size))

    def hold(self) -> Spent:
        """Return what they cost in a second."""
        spent = self._cost(lambda: self.swarm.run(seconds=HOLD_SECONDS))
        return Spent(spent.server / HOLD_SECONDS, spent.redis / HOLD_SECONDS)

    def leave(self) -> Spent:
        """Cut everybody at once, and wait until their channels are left."""
        return self._cost(self._leave)

    def _join(self, size: int) -> None:
        self.admit([Client(index, self.channels[0]) for index in range(size)])
        self.swarm.run(seconds=SETTLE_SECONDS)

    def _leave(self) -> None:
        self.crowd.cut_all()
        self.crowd.clients.clear()
        if not self.swarm.run(seconds=60, until=self._are_all_gone):
            raise RuntimeError(f"{self.redis.subscriptions() - self.nobodys} channels were not left within a minute")
        self.swarm.run(seconds=SETTLE_SECONDS)

    def _are_all_gone(self) -> bool:
        time.sleep(0.1)  # nobody is there to be served
        return self.redis.subscriptions() <= self.nobodys

    def _cost(self, action: Callable[[], object]) -> Spent:
        begin, server, redis = time.monotonic(), self.spent(), self.redis.spent()
        action()
        seconds = time.monotonic() - begin
        return Spent((self.spent() - server) / 1e3 - self.by_itself * seconds, (self.redis.spent() - redis) / 1e3)


def tandem(redis_url: str, *, presence: bool = True) -> contenders.Contender:
    """Return the realtime service with a namespace of personal channels, which keep what was published."""
    namespaces = contenders.NAMESPACES | {"inbox": OPTIONS | {"presence": presence}}
    return contenders.tandem(
        redis_url, TANDEM_NAMESPACES=json.dumps(namespaces), TANDEM_TOKEN_KEYS=KEY, TANDEM_CONNECTION_LOG="1"
    )


def visit(contender: contenders.Contender, sizes: Iterable[int], redis_url: str, logs: Path) -> list[dict[str, Any]]:
    """Let as many as *sizes* says join, stay and leave, one size after the other; return what each cost."""
    sizes = sorted(sizes)
    raise_file_limit(sizes[-1])
    with contender.running(logs) as server, meters.RedisMeter(redis_url) as redis:
        stay = PersonalVisit(contender, server, redis_url, redis)
        try:
            stay.begin()
            return [stay.measure(size) for size in sizes]
        finally:
            stay.swarm.close()
