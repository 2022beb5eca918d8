"""A pod is deleted under 300 visitors and 40 readers, and nobody puts a hand to it."""

from __future__ import annotations

import time

from ..crowd import judge, visiting
from ..kube import Release, until
from ..verdicts import Verdicts
from .rollouts import gone

WHOLE_SECONDS = 60


def deleted(
    release: Release,
    verdicts: Verdicts,
    component: str,
    *,
    closes: tuple[str, ...] = (),
    fails: bool = False,
    told: bool = False,
) -> None:
    """Delete a pod of *component*. HTTP *fails* while it is away, or not; visitors are *told* to load anew, or not."""
    what = f"delete {component}"
    restarts = release.restarts()
    with visiting(release, "--readers=40") as crowd:
        pod = release.pods(component)[0]["metadata"]
        began, clock = time.monotonic(), time.time()
        release.kubectl("delete", "pod", pod["name"], "--wait=false")
        until(lambda: pod["uid"] not in release.uids(component), 20, 0.2)
        came = until(lambda: release.pods(component) and not release.unready(), 180)
        took, whole = time.monotonic() - began, time.time()
        if fails:  # ready again is one thing, an answer another
            until(lambda: release.counter() >= 0, 90)
            took, whole = time.monotonic() - began, time.time()
        verdicts.say(
            f"{what}: whole within {WHOLE_SECONDS} s", came is not None and took <= WHOLE_SECONDS, f"{took:.0f} s"
        )
        gone(release, component)
        time.sleep(8)
    failures = (clock, whole + 5) if fails else None
    judge(verdicts, what, crowd.report, closes=closes, failures=failures, told=told, counted=not fails)
    again = {name: count for name, count in release.restarts().items() if restarts.get(name, 0) < count}
    verdicts.say(f"{what}: no container restarted", not again, again or "")


def redis(release: Release, verdicts: Verdicts) -> None:
    """Without a volume its streams begin anew, and everybody is told; no request fails."""
    deleted(release, verdicts, "redis", told=True)


def postgresql(release: Release, verdicts: Verdicts) -> None:
    """Requests fail while it is away, and no longer; without a volume its tables are made again."""
    deleted(release, verdicts, "postgresql", fails=True)


def api(release: Release, verdicts: Verdicts) -> None:
    """Nobody notices."""
    deleted(release, verdicts, "api")


def realtime(release: Release, verdicts: Verdicts) -> None:
    """Its clients are closed one by one, with 3001, and come back by position."""
    deleted(release, verdicts, "realtime", closes=("3001",))


def edge(release: Release, verdicts: Verdicts) -> None:
    """It keeps its sockets for its grace; then they end without a close frame, and are back within 15 s."""
    deleted(release, verdicts, "edge", closes=("1006",))


def kill(release: Release, verdicts: Verdicts) -> None:
    """A process of realtime dies without a word (SIGKILL, as the kernel does out of memory): 1006, and all are back."""
    with visiting(release, "--readers=10") as crowd:
        pod = release.pods("realtime")[0]["metadata"]["name"]
        # From inside, nobody can kill the first process of a namespace; without grace the kubelet does.
        release.kubectl("delete", "pod", pod, "--grace-period=0", "--force")
        took = until(lambda: not release.unready() and len(release.pods("realtime")) == 2, 90)
        verdicts.say("kill: whole", took is not None, f"{took} s")
        time.sleep(8)
    judge(verdicts, "kill", crowd.report, closes=("1006", "3001"))
