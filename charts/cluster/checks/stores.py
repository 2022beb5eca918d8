"""Redis away, for longer than any probe waits."""

from __future__ import annotations

import time

from ..crowd import judge, visiting
from ..kube import Release, until
from ..verdicts import Verdicts

AWAY_SECONDS = 60


def outage(release: Release, verdicts: Verdicts) -> None:
    """Redis away for 60 s under 40 readers and 300 visitors: no 5xx, no socket closed, whole again by itself."""
    statefulset = f"statefulset/{release.full}-redis"
    restarts = release.restarts()
    with visiting(release, "--readers=40") as crowd:
        release.kubectl("scale", statefulset, "--replicas=0")
        until(lambda: not release.objects("pods", "app.kubernetes.io/component=redis"), 30)
        time.sleep(AWAY_SECONDS)
        unready = [name for name in release.unready() if "redis" not in name]
        verdicts.say("outage: without Redis every other pod stays ready", not unready, ", ".join(unready))
        release.kubectl("scale", statefulset, "--replicas=1")
        time.sleep(1)
        took = until(lambda: not release.unready(), 60)
        verdicts.say("outage: whole within 60 s", took is not None, f"{took} s")
        time.sleep(10)
    judge(verdicts, "outage", crowd.report, told=True)
    verdicts.say("outage: no container restarted", restarts == release.restarts(), release.restarts() or "")
