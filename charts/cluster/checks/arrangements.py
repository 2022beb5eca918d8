"""Other installations than the first one: two beside each other, everything on, for many."""

from __future__ import annotations

import base64
import json
import os

from .. import volumes
from ..crowd import BARE, NOBODY, judge, visiting
from ..kube import CHART, WAIT, Refused, Release, run
from ..verdicts import Verdicts
from .first_day import test
from .releases import press

SMALL = ("--set", "api.replicas=1", "--set", "realtime.replicas=1")


def definitions(verdicts: Verdicts) -> None:
    """Bring the resource definitions of other projects, from the folder $CLUSTER_CRDS, unless they are there."""
    if folder := os.environ.get("CLUSTER_CRDS"):
        run("kubectl", "apply", "--server-side", "--force-conflicts", "--filename", folder)
        names = [f"{name.removesuffix('.yaml')}" for name in sorted(os.listdir(folder))]
        verdicts.note("definitions: " + ", ".join(names))


def two_releases(release: Release, verdicts: Verdicts) -> None:
    """Two releases in one namespace know nothing of each other."""
    namespace = f"{release.namespace}-two"
    first, second = (Release(namespace, release.options, name) for name in ("tandem", "second"))
    try:
        for each in (first, second):
            each.install(*SMALL)
            verdicts.say(f"two releases: {each.name} is whole", not each.unready())
        press(first, 3)
        verdicts.say("two releases: a press counts in one", (first.counter(), second.counter()) == (3, 0))
        verdicts.say("two releases: Secrets of their own", first.secret() != second.secret())
        for each in (first, second):
            test(each, verdicts)
        with visiting(first, "--clients=100", "--readers=10") as crowd:
            second.uninstall()
        judge(verdicts, "two releases: uninstall of the other", crowd.report)
    finally:
        first.delete_namespace()


EVERYTHING = {
    "labels": {"team": "shop"},
    "annotations": {"example.com/team": "shop"},
    "pod": {"tolerations": [{"key": "spot", "operator": "Exists"}]},
    "extraObjects": ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-more"}\ndata: {of: more}'],
    "channelNamespaces": {"room": {"presence": True, "join_leave": True, "subscribe": "anyone"}},
    "allowedOrigins": ["*"],
    "api": {
        "replicas": 1,
        "autoscaling": {"enabled": True, "minReplicas": 1},
        "sidecars": [{"name": "beside", "command": ["sleep", "infinity"]}],
        "initContainers": [{"name": "before", "command": ["true"]}],
        "volumes": [{"name": "more", "emptyDir": {}}],
        "volumeMounts": [{"name": "more", "mountPath": "/more"}],
    },
    "realtime": {
        "autoscaling": {
            "minReplicas": 1,
            "keda": {"enabled": True, "prometheusAddress": "http://prometheus.monitoring:9090"},
        },
        "maxAgeSeconds": 3600,
        "maxConnectionsPerAddress": 5000,
        "handshakesPerSecond": 500,
        "trustedProxies": ["10.0.0.0/8"],
    },
    "prune": {"enabled": True},
    "workers": [{"name": "more", "command": ["sleep", "infinity"]}],
    "redis": {"shards": 2, "persistence": {"enabled": True}, "exporter": {"enabled": True}},
    "postgresql": {"persistence": {"enabled": True}},
    "edge": {"replicas": 2, "trustedProxies": ["10.0.0.0/8"]},
    "ingress": {"enabled": True, "host": "tandem.example.com", "tlsSecret": "tandem-tls"},
    "gateway": {"enabled": True, "parentRefs": [{"name": "gateway"}], "hostnames": ["tandem.example.com"]},
    "monitoring": {"serviceMonitor": {"enabled": True}, "rules": {"enabled": True}},
    "load": {"enabled": True, "args": ["verify", "--clients=50", "--duration=5"]},
}


KINDS = {
    "Deployment",
    "StatefulSet",
    "Job",
    "CronJob",
    "Service",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "Ingress",
    "HTTPRoute",
    "ScaledObject",
    "ServiceMonitor",
    "PodMonitor",
    "PrometheusRule",
}


def everything(release: Release, verdicts: Verdicts) -> None:
    """A release with every optional part on: the server takes each object, and all are ready."""
    definitions(verdicts)
    release = Release(f"{release.namespace}-everything", release.options)
    image = release.option("api.image")
    for guest in (*EVERYTHING["api"]["sidecars"], *EVERYTHING["api"]["initContainers"]):  # type: ignore[index]
        guest["image"] = image
    volumes.provide(3)
    try:
        release.create_namespace()
        release.helm(
            "install", release.name, str(CHART), *WAIT, *release.options, "--values", "-", text=json.dumps(EVERYTHING)
        )
        verdicts.say("everything on: whole", not release.unready())
        missing = KINDS - kinds_of(release)
        verdicts.say("everything on: objects of every kind", not missing, ", ".join(missing) or len(KINDS))
        test(release, verdicts)
    except Refused as refusal:
        verdicts.say("everything on", False, str(refusal)[-400:])
    finally:
        release.delete_namespace()


def kinds_of(release: Release) -> set[str]:
    """Return the kinds in the manifest that are on the server."""
    said = release.kubectl(
        "get", "--filename", "-", "--output", "json", text=release.helm("get", "manifest", release.name)
    )
    return {item["kind"] for item in json.loads(said)["items"]}


def high_availability(release: Release, verdicts: Verdicts) -> None:
    """`ci/ha-values.yaml`, with a database that somebody else runs."""
    definitions(verdicts)
    release = Release(f"{release.namespace}-ha", release.options)
    volumes.provide(3)
    try:
        release.create_namespace()
        database(release)
        values = ("--values", str(CHART / "ci" / "ha-values.yaml"))
        release.helm("install", release.name, str(CHART), *WAIT, *release.options, *values)
        verdicts.say("HA values: whole", not release.unready(), f"{len(release.objects('pods'))} pods")
        test(release, verdicts)
        budgets = {item["metadata"]["name"]: item["status"]["disruptionsAllowed"] for item in release.objects("pdb")}
        verdicts.say("HA values: every budget lets one pod go", budgets and all(budgets.values()), budgets)
    except Refused as refusal:
        verdicts.say("HA values", False, str(refusal)[-400:])
    finally:
        release.delete_namespace()


def database(release: Release) -> None:
    """Run a PostgreSQL that is no part of the release, and make the Secret with its address."""
    env = {"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": "secret", "POSTGRES_DB": "shop", "PGDATA": "/data/pgdata"}
    container = {
        "name": "postgres",
        "image": release.option("postgresql.image") or "docker.io/library/postgres:17",
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "securityContext": BARE,
        "volumeMounts": [{"name": "data", "mountPath": path} for path in ("/data", "/tmp", "/var/run/postgresql")],
    }
    spec = {
        "securityContext": {**NOBODY, "runAsUser": 999, "runAsGroup": 999, "fsGroup": 999},
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db", "labels": {"app": "db"}}, "spec": spec}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}}
    service["spec"] = {"selector": {"app": "db"}, "ports": [{"port": 5432}]}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tandem-postgresql"}}
    secret["data"] = {"url": base64.b64encode(b"postgresql://shop:secret@db:5432/shop").decode()}
    for item in (pod, service, secret):
        release.kubectl("create", "--filename", "-", text=json.dumps(item))
    release.kubectl("wait", "--for=condition=Ready", "pod/db", "--timeout=60s")
