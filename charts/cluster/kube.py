"""The cluster and one release in it, through kubectl and helm."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "charts" / "tandem"
WAIT = ("--wait", "--timeout", "5m")

Object = dict[str, Any]


class Refused(Exception):
    """kubectl or helm ended with a status other than 0; the text is what it said."""


def run(
    *command: str, text: str = "", seconds: float = 600, check: bool = True, environ: dict[str, str] | None = None
) -> str:
    """Run *command* with *text* on its standard input; return what it printed."""
    env = {**os.environ, **(environ or {})}
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds, env=env)
    if check and done.returncode:
        raise Refused((done.stderr or done.stdout).strip())
    return done.stdout


def until(condition: Callable[[], Any], seconds: float, every: float = 0.5) -> float | None:
    """Wait until *condition* holds; return how long that took, or None when it did not come to it."""
    began = time.monotonic()
    while True:
        try:
            if condition():
                return round(time.monotonic() - began, 1)
        except Refused:
            pass
        if time.monotonic() - began > seconds:
            return None
        time.sleep(every)


class Release:
    """A release of the chart: its name, its namespace, and the options with which it is installed."""

    def __init__(self, namespace: str, options: list[str], name: str = "tandem") -> None:
        self.namespace = namespace
        self.options = options
        self.name = name
        self.full = name if "tandem" in name else f"{name}-tandem"

    def kubectl(self, *arguments: str, text: str = "", seconds: float = 600, check: bool = True) -> str:
        """Run kubectl in the namespace."""
        return run("kubectl", "--namespace", self.namespace, *arguments, text=text, seconds=seconds, check=check)

    def helm(self, *arguments: str, check: bool = True, text: str = "") -> str:
        """Run helm in the namespace."""
        return run("helm", "--namespace", self.namespace, *arguments, check=check, text=text)

    def option(self, key: str) -> str:
        """Return what `--set key=...` among the options says, or nothing."""
        return next((text.removeprefix(f"{key}=") for text in self.options if text.startswith(f"{key}=")), "")

    def create_namespace(self, *, restricted: bool = True) -> None:
        """Make the namespace, under the restricted Pod Security Standard."""
        if not run("kubectl", "get", "namespace", self.namespace, "--ignore-not-found"):
            run("kubectl", "create", "namespace", self.namespace)
        if restricted:
            run(
                "kubectl",
                "label",
                "namespace",
                self.namespace,
                "--overwrite",
                "pod-security.kubernetes.io/enforce=restricted",
            )

    def delete_namespace(self) -> None:
        """Take the namespace away with all that is in it."""
        run("kubectl", "delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=3m", check=False)

    def install(self, *more: str, chart: Path = CHART) -> None:
        """Install the chart and wait until everything is ready."""
        self.create_namespace()
        self.helm("install", self.name, str(chart), *WAIT, *self.options, *more)

    def upgrade(self, *more: str, chart: Path = CHART, wait: bool = True) -> None:
        """Upgrade with the values that it has, and *more*."""
        self.helm("upgrade", self.name, str(chart), "--reset-then-reuse-values", *(WAIT if wait else ()), *more)

    def uninstall(self) -> None:
        """Take it away, and wait until its pods are gone."""
        self.helm("uninstall", self.name, "--wait", "--cascade", "foreground", "--timeout", "5m")

    def is_installed(self) -> bool:
        """Tell whether there is a release of this name."""
        return self.name in self.helm("list", "--short").split()

    def objects(self, kinds: str, *selector: str) -> list[Object]:
        """Return objects, all of the release or those that *selector* selects besides."""
        labels = ",".join((f"app.kubernetes.io/instance={self.name}", *selector))
        items: list[Object] = json.loads(self.kubectl("get", kinds, "--selector", labels, "--output", "json"))["items"]
        return items

    def pods(self, component: str) -> list[Object]:
        """Return the pods of a component that are not going, oldest first."""
        found = self.objects("pods", f"app.kubernetes.io/component={component}")
        staying = [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]
        return sorted(staying, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def uids(self, component: str) -> list[str]:
        """Return who the pods of a component are."""
        return sorted(pod["metadata"]["uid"] for pod in self.pods(component))

    def unready(self) -> list[str]:
        """Return the workloads of the release that are not what they shall be."""
        bad = []
        for item in self.objects("deployments,statefulsets"):
            wanted, status = item["spec"].get("replicas", 1), item.get("status", {})
            is_new = status.get("observedGeneration") == item["metadata"]["generation"]
            ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
            if not (is_new and ready == updated == wanted == status.get("replicas", 0)):
                bad.append(f"{item['metadata']['name']} ({ready} of {wanted})")
        return bad

    def restarts(self) -> dict[str, int]:
        """Return how often containers were started again, where it was ever."""
        return {
            f"{pod['metadata']['name']}/{status['name']}": status["restartCount"]
            for pod in self.objects("pods")
            for status in pod["status"].get("containerStatuses", [])
            if status["restartCount"]
        }

    def secret(self) -> str:
        """Return what is in the release's Secret, as it is stored."""
        return self.kubectl("get", "secret", self.full, "--output", "jsonpath={.data}")

    def counter(self) -> int:
        """Return where the example's counter stands, asked inside of an api's pod."""
        url = "http://127.0.0.1:8000/api/counters/demo/"  # the Service is not for the api itself
        code = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode())"
        return int(json.loads(self.python("api", code, url))["value"])

    def python(self, component: str, code: str, *arguments: str) -> str:
        """Run Python in a pod of a component."""
        where = (f"deployment/{self.full}-{component}", "--container", component)
        return self.kubectl("exec", *where, "--", "python", "-c", code, *arguments)

    def image(self, component: str) -> str:
        """Return the image that a component's Deployment runs."""
        where = "jsonpath={.spec.template.spec.containers[0].image}"
        return self.kubectl("get", "deployment", f"{self.full}-{component}", "--output", where)
