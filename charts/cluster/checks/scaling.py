"""Pods that come and go by themselves: the autoscaler on connections, drains, evictions."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from ..crowd import BARE, NOBODY, judge, visiting
from ..kube import Refused, Release, run, until
from ..verdicts import Verdicts
from .rollouts import gone

STUB = (Path(__file__).parent.parent / "metrics_api.py").read_text()
GROUP = "custom.metrics.k8s.io"


SCALES = [
    "autoscaling.hpa.enabled=true",
    "autoscaling.hpa.cpuPercent=0",
    "autoscaling.hpa.connectionsPerPod=100",
    "autoscaling.scaleDownSeconds=15",
    "autoscaling.maxReplicas=4",
    "maxAgeSeconds=60",
    "drainSeconds=10",
]


def hpa(release: Release, verdicts: Verdicts) -> None:
    """Connections per pod decide: 2 pods become 4, rotation fills the new ones, 4 become 2, nobody notices."""
    try:
        adapter(release)
        release.upgrade(*(f"--set=realtime.{each}" for each in SCALES))
        with visiting(release, "--clients=50", "--readers=5") as few:
            with visiting(release, "--clients=350", "--presses=0") as many:
                took = until(lambda: len(release.pods("realtime")) == 4 and not release.unready(), 150)
                verdicts.say("hpa: 2 to 4 pods as sockets come", took is not None, f"{took} s")
                took = until(lambda: min(connections(release) or [0]) >= 40, 150, 3)
                verdicts.say("hpa: rotation fills the new pods", took is not None, f"{took} s: {connections(release)}")
            took = until(lambda: len(release.pods("realtime")) == 2 and gone(release, "realtime"), 400, 2)
            verdicts.say("hpa: 4 to 2 pods when they have gone", took is not None, f"{took} s")
        judge(verdicts, "hpa: who stays", few.report, closes=("3001", "3011"))
        judge(verdicts, "hpa: who comes", many.report, closes=("3001", "3011"))
    finally:
        run("kubectl", "delete", "namespace", "monitoring", "--wait=false", "--ignore-not-found", check=False)
        run("kubectl", "delete", "apiservice", f"v1beta2.{GROUP}", "--ignore-not-found", check=False)
        release.upgrade(
            "--set=realtime.autoscaling.hpa.enabled=false,realtime.maxAgeSeconds=0,realtime.drainSeconds=30"
        )


def connections(release: Release) -> list[int]:
    """Return how many sockets each pod has, as the autoscaler is told."""
    path = f"/apis/{GROUP}/v1beta2/namespaces/{release.namespace}/pods/%2A/tandem_connections"
    selector = (
        f"?labelSelector=app.kubernetes.io%2Finstance%3D{release.name}%2Capp.kubernetes.io%2Fcomponent%3Drealtime"
    )
    items = json.loads(release.kubectl("get", "--raw", path + selector))["items"]
    return sorted(int(item["value"]) for item in items)


def adapter(release: Release) -> None:
    """Run metrics_api.py, a small stub of a metrics adapter, in the namespace from which the pods may be scraped."""
    home = Release("monitoring", [])
    home.create_namespace()
    labels = {"app": "metrics-api"}
    container = {
        "name": "python",
        "image": release.image("realtime"),
        "command": ["python", "-c", STUB],
        "securityContext": BARE,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "readinessProbe": {"tcpSocket": {"port": 6443}, "periodSeconds": 1},
    }
    spec = {"serviceAccountName": "metrics-api", "securityContext": NOBODY, "containers": [container]}
    spec["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    where = {"name": "metrics-api", "namespace": "monitoring"}
    subjects = [{"kind": "ServiceAccount", **where}]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    api: dict[str, Any] = {"group": GROUP, "version": "v1beta2", "groupPriorityMinimum": 100, "versionPriority": 100}
    api |= {"insecureSkipTLSVerify": True, "service": where}
    items: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "metrics-api"},
            "roleRef": role,
            "subjects": subjects,
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": {**where, "labels": labels}, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": where,
            "spec": {"selector": labels, "ports": [{"port": 443, "targetPort": 6443}]},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1beta2.{GROUP}"},
            "spec": api,
        },
    ]
    run("kubectl", "apply", "--filename", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    run("kubectl", "wait", "--for=condition=Available", "--timeout=60s", f"apiservice/v1beta2.{GROUP}")


def drain(release: Release, verdicts: Verdicts) -> None:
    """A pod of realtime is deleted with half of 5,000 sockets: preStop, drain and grace as the kubelet sees them."""
    with visiting(release, "--clients=5000", "--presses=0.5") as crowd:
        pod = release.pods("realtime")[0]
        grace = pod["spec"]["terminationGracePeriodSeconds"]
        began = time.monotonic()
        release.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=true")
        took = time.monotonic() - began
        verdicts.say("drain: the pod ends before its grace does", took < grace, f"{took:.1f} s of {grace} s")
        until(lambda: not release.unready(), 60)
        time.sleep(10)
    judge(verdicts, "drain", crowd.report, closes=("3001",))
    closed = crowd.report.get("closes", {}).get("3001", 0)
    verdicts.say("drain: it had thousands of sockets", closed > 1000, closed)


def evict(release: Release, verdicts: Verdicts) -> None:
    """Node drain: the Eviction API against the budgets, under live visitors. Never two of a kind at once."""
    with visiting(release, "--readers=20") as crowd:
        for component in ("realtime", "api"):
            first, second, *_ = (pod["metadata"]["name"] for pod in release.pods(component))
            answers = [evicted(release, first), evicted(release, second)]
            verdicts.say(f"evict {component}: one goes, the other stays", answers == ["", "budget"], answers)
            took = until(partial(goes, release, second), 120, 2)
            verdicts.say(f"evict {component}: the other goes when one is back", took is not None, f"{took} s")
            until(lambda: not release.unready(), 90)
        gone(release, "realtime")
        time.sleep(5)
    judge(verdicts, "evict", crowd.report, closes=("3001",))


def goes(release: Release, pod: str) -> bool:
    """Tell whether a pod is let go."""
    return evicted(release, pod) == ""


def evicted(release: Release, pod: str) -> str:
    """Ask to evict a pod; return nothing, or `budget` where a budget does not let it go."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": release.namespace},
    }
    path = f"/api/v1/namespaces/{release.namespace}/pods/{pod}/eviction"
    try:
        release.kubectl("create", "--raw", path, "--filename", "-", text=json.dumps(eviction))
    except Refused as refusal:
        return "budget" if "disruption budget" in str(refusal) else str(refusal)[-100:]
    return ""
