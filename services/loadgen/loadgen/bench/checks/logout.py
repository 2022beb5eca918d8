"""A logout ends its own connections; how many others the process holds does not matter."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from loadgen import frames
from loadgen.bench import meters
from loadgen.crowd import Crowd
from loadgen.target import Target
from rig.overrides import override_tandem
from rig.servers import Server
from tandem import control
from tandem.revocations import Revocation, of_login
from tandem.tokens import connection_token

from .stage import Finding, Stage

FEW, MANY, LOGOUTS = 2_000, 19_900, 100
LIMIT_MS = 1.0
KEY = "key-of-the-benchmark-0123456789abcdef"


@dataclass(frozen=True)
class LoggedIn(Target):
    """A server that every client comes to with a login of its own."""

    logins: int = 0

    def connecting(self, index: int) -> bytes:
        """Return the frame with the connect command of user *index*."""
        speech = self.speech(index)
        token = connection_token(KEY, str(index), session=login(self.logins, index), ttl=3600)
        return frames.client_frame(speech.connect(token), speech.OPCODE)


def check(stage: Stage) -> list[Finding]:
    """Return the processor time of a logout in a process of 2,000 logins and in one of 19,900, and of a stranger's."""
    if not settings.configured:
        settings.configure()
    own, strangers = {}, {}
    for logins in (FEW, MANY):
        contender, server = stage.serve(name=f"logout-{logins}", TANDEM_TOKEN_KEYS=KEY)
        crowd = stage.crowd(contender, logins, target=LoggedIn(contender.url, logins=logins))
        crowd.retries = False
        own[logins] = cost_ms(stage, server, crowd, [login(logins, user) for user in range(LOGOUTS)])
        strangers[logins] = cost_ms(stage, server, crowd, [login(0, user) for user in range(10 * LOGOUTS)], ends=0)
        gone = crowd.closes
        crowd.swarm.close()
        server.kill()
    limit = f"<= {LIMIT_MS:g}, and as with {FEW:,}"
    return [
        Finding("close codes", dict(gone), f"3500 for {LOGOUTS}", gone == {3500: LOGOUTS}),
        *(
            Finding(
                f"CPU of {whose} at {MANY:,} sessions, ms ({FEW:,}: {cost[FEW]:.2f})",
                round(cost[MANY], 2),
                limit,
                cost[MANY] <= LIMIT_MS and cost[MANY] <= 2 * cost[FEW] + 0.1,
            )
            for whose, cost in (("a logout", own), ("one at another process", strangers))
        ),
    ]


def cost_ms(stage: Stage, server: Server, crowd: Crowd, logins: Sequence[str], *, ends: int = LOGOUTS) -> float:
    """Return what ending *logins* costs, each told by itself and *ends* of them here, beyond what idling does."""
    assert server.process is not None
    pid, swarm = server.process.pid, crowd.swarm
    closed = sum(crowd.closes.values()) + ends
    swarm.run(seconds=2.0)
    begin, spent = time.monotonic(), meters.cpu_ns(pid)
    swarm.run(seconds=5.0)
    idle = (meters.cpu_ns(pid) - spent) / (time.monotonic() - begin)
    begin, spent = time.monotonic(), meters.cpu_ns(pid)
    with override_tandem(redis_urls=[stage.redis_url]):
        for name in logins:
            control.revoke([Revocation(of_login(name), 1, 600)])
            swarm.turn(0)
    swarm.run(seconds=5.0, until=lambda: sum(crowd.closes.values()) >= closed)
    swarm.run(seconds=1.0)
    total = meters.cpu_ns(pid) - spent - idle * (time.monotonic() - begin)
    return float(total) / len(logins) / 1e6


def login(logins: int, user: int) -> str:
    """Return the name of the login of *user*, where there are so many."""
    return f"login-{logins}-{user}"
