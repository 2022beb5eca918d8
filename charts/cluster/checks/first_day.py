"""What a user's first day with the chart looks like: install, test, forward, and take it away."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time

from ..kube import Refused, Release, until
from ..verdicts import Verdicts

ADVICE = ("wait", "--for=condition=Available", "--timeout=5m", "deployment")
KINDS = "all,secret,configmap,ingress,networkpolicy,pdb,serviceaccount,hpa,cronjob,job"


def install(release: Release, verdicts: Verdicts) -> None:
    """`helm install --wait` ends with everything ready, under the restricted Pod Security Standard, at once."""
    began = time.monotonic()
    if release.is_installed():
        verdicts.note("installed already")
    else:
        try:
            release.install()
        except Refused as refusal:
            verdicts.say("helm install", False, str(refusal)[-300:])
            return
    verdicts.say("helm install --wait", not release.unready(), f"{time.monotonic() - began:.0f} s")
    release.kubectl(*ADVICE, "--selector", f"app.kubernetes.io/instance={release.name}")
    verdicts.say("the wait of NOTES", True, f"{time.monotonic() - began:.0f} s")
    verdicts.say("no container restarted", not release.restarts(), release.restarts() or "")


def test(release: Release, verdicts: Verdicts) -> None:
    """`helm test`: from a publication to a push."""
    began = time.monotonic()
    try:
        said = release.helm("test", release.name, "--logs")
    except Refused as refusal:
        verdicts.say("helm test", False, str(refusal)[-300:])
        return
    verdicts.say("helm test", "whole" in said, f"{time.monotonic() - began:.0f} s")


def forward(release: Release, verdicts: Verdicts) -> None:
    """The port-forward of NOTES shows the pages and opens a socket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        "kubectl",
        "--namespace",
        release.namespace,
        "port-forward",
        f"service/{release.full}-edge",
        f"{port}:80",
    ]
    forwarding = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answer(port, "/healthz"), 15)
        pages = {path: answer(port, path) for path in ("/counter/", "/increment/", "/admin/login/")}
        verdicts.say("port-forward: the pages", set(pages.values()) == {200}, pages)
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        status = answer(port, "/ws/", {**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        verdicts.say("port-forward: a socket", status == 101, status)
    finally:
        forwarding.terminate()
        forwarding.wait(10)


def answer(port: int, path: str, headers: dict[str, str] | None = None) -> int:
    """Return the status of a GET at a port of this machine; 0: none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
    print("open")
except OSError:
    print("closed")
"""


def policies(release: Release, verdicts: Verdicts) -> None:
    """Who reaches whom is what the NetworkPolicies say (where the cluster's network enforces them)."""
    wanted = {
        ("realtime", "redis", 6379): "open",
        ("realtime", "postgresql", 5432): "closed",
        ("realtime", "api", 8000): "closed",
        ("api", "redis", 6379): "open",
        ("api", "postgresql", 5432): "open",
        ("api", "realtime", 8101): "closed",
        ("outbox", "postgresql", 5432): "open",
    }
    for (who, whom, port), want in wanted.items():
        address = release.pods(whom)[0]["status"]["podIP"]
        seen = release.python(who, REACH, address, str(port)).strip()
        verdicts.say(f"policies: {who} to {whom}:{port}", seen == want, seen)


def idle(release: Release, verdicts: Verdicts) -> None:
    """Nothing is done: every container is far below its limit of memory."""
    for node in release.kubectl("get", "nodes", "--output", "jsonpath={.items[*].metadata.name}").split():
        tight = []
        for pod, container, used in usage(release, node):
            verdicts.note(f"{pod}/{container} {used >> 20} MiB")
            limit = memory_limit(release, pod, container)
            if limit and used > 0.8 * limit:
                tight.append(f"{pod}/{container}: {used >> 20} of {limit >> 20} MiB")
        verdicts.say(f"idle: memory below 80 % of its limit on {node}", not tight, ", ".join(tight) or "all")


def usage(release: Release, node: str) -> list[tuple[str, str, int]]:
    """Return pod, container and its working set in bytes, as the kubelet of *node* counts them."""
    stats = json.loads(release.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
    return [
        (pod["podRef"]["name"], container["name"], container.get("memory", {}).get("workingSetBytes", 0))
        for pod in stats["pods"]
        if pod["podRef"]["namespace"] == release.namespace
        for container in pod.get("containers", [])
    ]


def memory_limit(release: Release, pod: str, container: str) -> int:
    """Return a container's limit of memory in bytes; 0: none, or it has gone."""
    for item in release.objects("pods"):
        if item["metadata"]["name"] == pod:
            for each in item["spec"]["containers"]:
                text = each.get("resources", {}).get("limits", {}).get("memory", "0Mi")
                if each["name"] == container:
                    return int(text[:-2]) * {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}[text[-2:]]
    return 0


def twice(release: Release, verdicts: Verdicts) -> None:
    """The same manifests twice, as `kubectl apply` and Argo CD do: nothing is configured the second time."""
    manifests = release.helm("get", "manifest", release.name)
    release.kubectl("apply", "--filename", "-", text=manifests)
    changed = not_unchanged(release.kubectl("apply", "--filename", "-", text=manifests))
    verdicts.say("apply twice: nothing configured the second time", not changed, ", ".join(changed))


def not_unchanged(said: str) -> list[str]:
    """Return what `kubectl apply` did not call unchanged, but for budgets: it sends their selectors each time."""
    return [
        line for line in said.splitlines() if "unchanged" not in line and not line.startswith("poddisruptionbudget")
    ]


def uninstall(release: Release, verdicts: Verdicts) -> None:
    """`helm uninstall` leaves nothing but volumes. Helm 4 may return while pods still end: they are waited for."""
    began = time.monotonic()
    release.uninstall()
    returned = time.monotonic() - began
    until(lambda: not release.objects(KINDS), 120, 1)
    left = [f"{item['kind']} {item['metadata']['name']}" for item in release.objects(KINDS)]
    figure = f"helm returned after {returned:.0f} s, the last pod ended after {time.monotonic() - began:.0f} s"
    verdicts.say("helm uninstall --wait leaves nothing", not left, ", ".join(left) or figure)
