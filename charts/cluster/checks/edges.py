"""A real ingress controller, Traefik, in front: by Ingress and by Gateway API."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ..crowd import BARE, NOBODY, judge, run_python, visiting
from ..kube import CHART, ROOT, WAIT, Release, run
from ..verdicts import Verdicts
from .arrangements import definitions
from .rollouts import gone

HOST = "traefik"
ARGUMENTS = (
    "--entrypoints.web.address=:8080",
    "--providers.kubernetesingress",
    "--providers.kubernetescrd",
    "--providers.kubernetesgateway",
    "--accesslog=false",
    "--ping=true",
    "--ping.entrypoint=web",
    "--entrypoints.web.transport.lifecycle.requestacceptgracetimeout=5s",
)


def traefik(release: Release, verdicts: Verdicts) -> None:
    """Long sockets through $TRAEFIK_IMAGE, whole requests, rolling restarts of realtime, api and Traefik itself."""
    definitions(verdicts)
    release = Release(f"{release.namespace}-traefik", release.options)
    routes = {
        "Ingress": (
            "--set",
            "ingress.enabled=true",
            "--set",
            "ingress.className=traefik",
            "--set",
            "gateway.enabled=false",
        ),
        "Gateway": (
            "--set",
            "ingress.enabled=false",
            "--set",
            "gateway.enabled=true",
            "--set",
            "gateway.parentRefs[0].name=traefik",
        ),
    }
    try:
        release.create_namespace()
        controller(release)
        common = ("--set", "edge.enabled=false", "--set", f"api.allowedHosts={{{HOST}}}")
        release.helm("install", release.name, str(CHART), *WAIT, *release.options, *common, *routes["Ingress"])
        for kind, options in routes.items():
            release.upgrade(*options)
            restarted(release, verdicts, f"Traefik by {kind}")
        whole_requests(release, verdicts, *routes["Ingress"])
    finally:
        release.delete_namespace()
        run(
            "kubectl", "delete", "clusterrolebinding/traefik", "ingressclass/traefik", "--ignore-not-found", check=False
        )
        run("kubectl", "delete", "gatewayclass/traefik", "--ignore-not-found", check=False)


def restarted(release: Release, verdicts: Verdicts, what: str) -> None:
    """Long sockets, and everything restarted behind and before them."""
    with visiting(release, "--readers=10", host=HOST) as crowd:
        time.sleep(40)  # longer than the ping's 25 s: silence is no reason to cut
        for component in ("realtime", "api"):
            release.kubectl("rollout", "restart", f"deployment/{release.full}-{component}")
            release.kubectl("rollout", "status", f"deployment/{release.full}-{component}", "--timeout=3m")
            gone(release, component)
    judge(verdicts, f"{what}: realtime and api restarted", crowd.report, closes=("3001",))
    with visiting(release, "--readers=5", host=HOST) as crowd:
        release.kubectl("rollout", "restart", f"deployment/{HOST}")
        release.kubectl("rollout", "status", f"deployment/{HOST}", "--timeout=3m")
        time.sleep(15)
    judge(verdicts, f"{what}: itself restarted", crowd.report, closes=("1006",))


HALVES = """
import socket, sys, time, urllib.request
host, halves = sys.argv[1], []
for _ in range(40):
    s = socket.create_connection((host, 80), 5)
    head = f"POST /api/counters/demo/increment/ HTTP/1.1\\r\\nHost: {host}\\r\\nContent-Type: application/json\\r\\n"
    s.sendall(head.encode() + b"Content-Length: 2\\r\\n\\r\\n{")
    halves.append(s)
time.sleep(1)
began = time.monotonic()
try:
    status = urllib.request.urlopen(f"http://{host}/counter/", timeout=8).status
except OSError as error:
    status = error
print(status, round(time.monotonic() - began, 1))
"""


def whole_requests(release: Release, verdicts: Verdicts, *options: str) -> None:
    """Forty halves of a POST do not stop the api, with the middleware of ingress/traefik/buffering.yaml."""
    release.upgrade(*options)
    text = (
        (ROOT / "ingress" / "traefik" / "buffering.yaml")
        .read_text()
        .replace("Host(`tandem.example.com`)", f"Host(`{HOST}`)")
    )
    release.kubectl("apply", "--filename", "-", text=text)
    time.sleep(5)
    said = run_python(release, HALVES, HOST).strip()
    good = said.startswith("200 ") and float(said.split()[-1]) < 3
    verdicts.say("Traefik: 40 halves of a POST stop nobody", good, said)


def controller(release: Release) -> None:
    """Run Traefik with the rights that it needs, its class and a Gateway."""
    where = {"name": HOST, "namespace": release.namespace}
    labels = {"app": HOST}
    container: dict[str, Any] = {
        "name": "traefik",
        "image": os.environ.get("TRAEFIK_IMAGE", "docker.io/library/traefik:v3.7"),
        "args": list(ARGUMENTS),
        "ports": [{"containerPort": 8080}],
        "securityContext": BARE,
        "readinessProbe": {"httpGet": {"path": "/ping", "port": 8080}, "periodSeconds": 2},
    }
    pod = {
        "serviceAccountName": HOST,
        "securityContext": NOBODY,
        "containers": [container],
        "terminationGracePeriodSeconds": 30,
    }
    deployment = {"replicas": 1, "selector": {"matchLabels": labels}, "minReadySeconds": 5}
    deployment |= {"template": {"metadata": {"labels": labels}, "spec": pod}}
    deployment |= {"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}}
    listener = {"name": "web", "port": 8080, "protocol": "HTTP"}
    items: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": HOST},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", **where}],
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": HOST},
            "spec": {"controller": "traefik.io/ingress-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": HOST},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": where,
            "spec": {"gatewayClassName": HOST, "listeners": [listener]},
        },
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": where, "spec": deployment},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": where,
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]
    run("kubectl", "apply", "--filename", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    release.kubectl("rollout", "status", f"deployment/{HOST}", "--timeout=2m")
