"""Live visitors beside what is done to the cluster, and what may happen to them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .kube import Refused, Release, until
from .verdicts import Verdicts

SCRIPT = (Path(__file__).parent / "visitors.py").read_text()
NOBODY: dict[str, Any] = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
BARE: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
BACK_SECONDS = 15
"""So long at most a visitor is away whose socket was closed."""


def python_pod(name: str, image: str, code: str, *arguments: str) -> dict[str, Any]:
    """Return a pod that runs *code*, as the restricted Pod Security Standard wants it."""
    container = {
        "name": "python",
        "image": image,
        "command": ["python", "-c", code, *arguments],
        "securityContext": BARE,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        # Without a request the kernel gives it next to nothing on a busy node, and its clients are closed: no pong.
        "resources": {"requests": {"cpu": "250m", "memory": "128Mi"}},
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "securityContext": NOBODY,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def run_python(release: Release, code: str, *arguments: str, env: list[dict[str, Any]] | None = None) -> str:
    """Run *code* in a pod of its own in the release's namespace until it ends; return what it printed."""
    name = f"python-{secrets.token_hex(3)}"
    pod = python_pod(name, release.option("realtime.image") or release.image("realtime"), code, *arguments)
    pod["spec"]["containers"][0]["env"] = env or []
    release.kubectl("create", "--filename", "-", text=json.dumps(pod))
    phase = ("get", "pod", name, "--output", "jsonpath={.status.phase}")
    try:
        until(lambda: release.kubectl(*phase) in ("Succeeded", "Failed"), 90)
        return release.kubectl("logs", name)
    finally:
        release.kubectl("delete", "pod", name, "--now", "--wait=false", check=False)


class Crowd:
    """Visitors who are there; `leave` ends the visit, and `report` is what they tell then."""

    def __init__(self, release: Release, host: str, options: tuple[str, ...], image: str = "") -> None:
        self.release = release
        self.name = f"visitors-{secrets.token_hex(3)}"
        self.report: dict[str, Any] = {}
        arguments = (f"--host={host}", f"--ws=ws://{host}/ws/", *options)
        pod = python_pod(self.name, image or release.image("realtime"), SCRIPT, *arguments)
        release.kubectl("create", "--filename", "-", text=json.dumps(pod))

    def is_there(self) -> bool:
        """Tell whether all of them are subscribed."""
        return "ready" in self.release.kubectl("logs", self.name, check=False)

    def leave(self) -> None:
        """End the visit, and take the report."""
        self.release.kubectl("exec", self.name, "--", "touch", "/tmp/stop")
        if until(lambda: self._phase() in ("Succeeded", "Failed"), 90) is None:
            raise Refused("the visitors do not leave: " + self.release.kubectl("logs", self.name, check=False)[-500:])
        said = self.release.kubectl("logs", self.name).strip()
        last = said.splitlines()[-1]
        if not last.startswith("{"):
            raise Refused(f"the visitors left without a word of what they saw: {said[-500:]}")
        self.report = json.loads(last)

    def _phase(self) -> str:
        return self.release.kubectl("get", "pod", self.name, "--output", "jsonpath={.status.phase}")

    def remove(self) -> None:
        """Take the pod away."""
        self.release.kubectl("delete", "pod", self.name, "--now", "--wait=false", check=False)


@contextmanager
def visiting(release: Release, *options: str, host: str = "", image: str = "") -> Iterator[Crowd]:
    """Have visitors while the block runs; after it they have left and told."""
    crowd = Crowd(release, host or f"{release.full}-edge", options, image)
    try:
        if until(crowd.is_there, 180) is None:
            raise Refused("the visitors did not come: " + release.kubectl("logs", crowd.name, check=False)[-500:])
        yield crowd
        crowd.leave()
    finally:
        crowd.remove()


def judge(
    verdicts: Verdicts,
    what: str,
    report: dict[str, Any],
    *,
    closes: tuple[str, ...] = (),
    told: bool = False,
    failures: tuple[float, float] | None = None,
    counted: bool = True,
) -> None:
    """
    Say whether the visitors of *report* noticed no more than they may.

    *closes* are the close codes that may come; *told*: whether they may be told to load anew (the stream was lost);
    *failures*: between when HTTP may fail; *counted*: whether every press counts.
    """
    verdicts.note(json.dumps(report))
    others = {code: count for code, count in report["closes"].items() if code not in closes}
    verdicts.say(f"{what}: close codes", not others, report["closes"] or "none")
    lost = report["gaps"] or report["twice"] or not report["settled"] or (report["told"] and not told)
    figures = {key: report[key] for key in ("received", "gaps", "twice", "told", "recovered", "settled")}
    verdicts.say(f"{what}: nothing lost, nothing twice", not lost and report["received"], figures)
    back = report["still_away"] == 0 and report["away_seconds"] <= BACK_SECONDS
    verdicts.say(
        f"{what}: all back by position", back, f"{report['came_back']} times, longest {report['away_seconds']} s"
    )
    early, late = failures or (0.0, 0.0)
    outside = [each for each in report["failed"] if not early <= each[0] <= late]
    verdicts.say(
        f"{what}: no 5xx{' but while it is away' if failures else ''}",
        not outside,
        {**report["http"], **({"failed": report["failed"]} if report["failed"] else {})},
    )
    if counted and report["counted"] is not None:
        verdicts.say(
            f"{what}: each press counted",
            report["counted"] >= report["pressed"],
            f"{report['pressed']} pressed, {report['counted']} counted",
        )
