"""Pods of two releases side by side: what one publishes, who is present, and who logs out reaches the other."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from ..crowd import run_python
from ..kube import Object, Release
from ..verdicts import Verdicts

SCRIPT = (Path(__file__).parent.parent / "neighbours.py").read_text()
NAMESPACES = {
    "public": {"history_size": 100, "history_ttl": 3600, "recovery": True, "subscribe": "anyone"},
    "notifications": {"history_size": 100, "history_ttl": 3600, "recovery": True, "personal": True},
    "room": {
        "history_size": 10,
        "history_ttl": 60,
        "recovery": True,
        "subscribe": "anyone",
        "presence": True,
        "join_leave": True,
        "read_presence": "subscribers",
    },
}
"""Declared whole: before 0.2 what was declared took the place of what is built in."""


def check(release: Release, verdicts: Verdicts, other: Object, what: str) -> None:
    """Run *other*, a Deployment of realtime as it was, beside the release's, and try the ways between them."""
    name = f"{release.full}-other"
    deployment: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
    spec = copy.deepcopy(other["spec"])
    spec["replicas"] = 1
    for labels in (spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]):
        labels["line"] = "other"
    release.kubectl("create", "--filename", "-", text=json.dumps({**deployment, "spec": spec}))
    try:
        release.kubectl("rollout", "status", f"deployment/{name}", "--timeout=2m")
        pods = {
            pod["metadata"]["labels"].get("line", "own"): pod["status"]["podIP"] for pod in release.pods("realtime")
        }
        said = told(release, pods["own"], pods["other"])
        for line in said.splitlines():
            if line.startswith(("PASS ", "FAIL ")):
                verdicts.say(f"{what}: {line[5:]}", line.startswith("PASS"))
            else:
                verdicts.note(line)
        verdicts.say(f"{what}: all was tried", "whole" in said)
    finally:
        release.kubectl("delete", "deployment", name, "--wait=false", check=False)


def told(release: Release, own: str, other: str) -> str:
    """Return what neighbours.py says, run in a pod with the keys of the release."""
    keys = {"TOKEN_KEYS": "token-keys", "API_KEYS": "api-keys"}
    env = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": release.full, "key": key}}} for name, key in keys.items()
    ]
    return run_python(release, SCRIPT, own, other, f"http://{release.full}-api", env=env)
