"""Upgrades, rollbacks, rollouts and scaling by hand, under live visitors."""

from __future__ import annotations

import time

from ..crowd import judge, visiting
from ..kube import Release, until
from ..verdicts import Verdicts


def upgrade(release: Release, verdicts: Verdicts) -> None:
    """Upgrades of nothing and of the api alone keep Secrets and data, and restart no pod of realtime."""
    secret, data, realtime = release.secret(), release.counter(), release.uids("realtime")
    for number in (1, 2):
        before = {name: release.uids(name) for name in ("api", "outbox", "edge", "redis", "postgresql")}
        release.upgrade()
        after = {name: release.uids(name) for name in before}
        verdicts.say(f"upgrade {number} without a change restarts nothing", before == after)
    apis = release.uids("api")
    release.upgrade("--set-string", f"api.env.CHECK={time.time_ns()}")
    verdicts.say("upgrade of the api: its pods are new", not set(apis) & set(release.uids("api")))
    verdicts.say("upgrade of the api: Secrets are kept", secret == release.secret())
    verdicts.say("upgrade of the api: data are kept", data == release.counter(), data)
    verdicts.say("upgrade of the api: realtime is untouched", realtime == release.uids("realtime"))


def rollback(release: Release, verdicts: Verdicts) -> None:
    """A rollback keeps the Secrets and ends whole."""
    secret = release.secret()
    release.upgrade("--set-string", f"api.env.CHECK={time.time_ns()}")
    began = time.monotonic()
    release.helm("rollback", release.name, "--wait", "--timeout", "3m")
    verdicts.say("rollback", not release.unready(), f"{time.monotonic() - began:.0f} s")
    verdicts.say("rollback: Secrets are kept", secret == release.secret())


def rolled(release: Release, verdicts: Verdicts, component: str, *closes: str) -> None:
    """Restart a Deployment under visitors."""
    with visiting(release, "--readers=10") as crowd:
        began = time.monotonic()
        release.kubectl("rollout", "restart", f"deployment/{release.full}-{component}")
        release.kubectl("rollout", "status", f"deployment/{release.full}-{component}", "--timeout=5m")
        verdicts.say(f"rollout of {component}", True, f"{time.monotonic() - began:.0f} s")
        gone(release, component)
    judge(verdicts, f"rollout of {component}", crowd.report, closes=closes)


def gone(release: Release, component: str, seconds: float = 120) -> float | None:
    """Wait until no pod of a component is on its way out: only then every socket of theirs has ended."""
    return until(
        lambda: (
            len(release.objects("pods", f"app.kubernetes.io/component={component}")) == len(release.pods(component))
        ),
        seconds,
    )


def realtime(release: Release, verdicts: Verdicts) -> None:
    """Clients of a pod that stops are closed one by one, with 3001."""
    rolled(release, verdicts, "realtime", "3001")


def api(release: Release, verdicts: Verdicts) -> None:
    """No request fails, no socket ends."""
    rolled(release, verdicts, "api")


def edge(release: Release, verdicts: Verdicts) -> None:
    """nginx sends no close frame: 1006, and everybody is back within 15 s."""
    rolled(release, verdicts, "edge", "1006")


def load(release: Release, verdicts: Verdicts) -> None:
    """The chart's own load generator: 500 clients, cut at random, and every publication counted."""
    release.upgrade(
        "--set", "load.enabled=true", "--set", "load.args={verify,--clients=500,--rate=20,--duration=60}", wait=False
    )
    try:
        until(lambda: ended(release), 240, 2)
        said = release.kubectl("logs", "--selector", "app.kubernetes.io/component=load", "--tail=-1")
        for line in said.splitlines()[-12:]:
            verdicts.note(line)
        verdicts.say("load: 500 clients got all, once and in order", ended(release) == "succeeded", ended(release))
    finally:
        release.upgrade("--set", "load.enabled=false")


def ended(release: Release) -> str:
    """Return how the load Job ended, or nothing."""
    for job in release.objects("jobs", "app.kubernetes.io/component=load"):
        for how in ("succeeded", "failed"):
            if job["status"].get(how):
                return how
    return ""


def scale(release: Release, verdicts: Verdicts) -> None:
    """Two pods of realtime more and two less: nobody notices more than a close with 3001."""
    deployment = f"deployment/{release.full}-realtime"
    with visiting(release) as crowd:
        release.kubectl("scale", deployment, "--replicas=4")
        took = until(lambda: not release.unready(), 120)
        verdicts.say("scale 2 to 4", took is not None, f"{took} s")
        release.kubectl("scale", deployment, "--replicas=2")
        took = until(lambda: not release.unready() and gone(release, "realtime", 90), 120)
        verdicts.say("scale 4 to 2", took is not None, f"{took} s")
    judge(verdicts, "scale", crowd.report, closes=("3001",))
