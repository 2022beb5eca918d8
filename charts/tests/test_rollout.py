"""What an upgrade does to running pods: nothing unless it has to, and then without dropping a socket."""

from __future__ import annotations

from typing import Any

import yaml
from tools.helm import render, render_files
from tools.looking import Object, env, of_kind, one


def pod_template(values: dict[str, Any], name: str, **options: Any) -> str:
    """Return the pod template of a Deployment as the text that an API server would compare."""
    return yaml.safe_dump(one(render(values, **options), "Deployment", name)["spec"]["template"])


def test_api_change_leaves_realtime_alone() -> None:
    """A new api image, setting, size or revision leaves realtime's pod template byte for byte as it was."""
    before = pod_template({}, "tandem-realtime")
    changed = {
        "api": {
            "image": "registry/api:2",
            "replicas": 5,
            "env": {"NEW": "1"},
            "resources": {"limits": {"memory": "1Gi"}},
            "allowedHosts": ["example.com"],
            "autoscaling": {"enabled": True},
        },
        "ingress": {"enabled": True, "host": "example.com"},
        "outbox": {"resources": {"limits": {"memory": "300Mi"}}},
    }

    assert pod_template(changed, "tandem-realtime", revision=2) == before


def test_realtime_change_leaves_the_api_alone() -> None:
    """And the other way round."""
    before = pod_template({}, "tandem-api")
    changed = {"realtime": {"image": "registry/realtime:2", "drainSeconds": 10, "maxConnections": 5}}

    assert pod_template(changed, "tandem-api", revision=2) == before


def test_upgrade_without_a_change_restarts_nothing() -> None:
    """A second revision with the same values changes no pod template; only the migrate Job is a new one."""
    first, second = render({}, revision=1), render({}, revision=2)

    for kind in ("Deployment", "StatefulSet"):
        assert [item["spec"] for item in of_kind(first, kind).values()] == [
            item["spec"] for item in of_kind(second, kind).values()
        ]
    assert set(of_kind(first, "Job")) & set(of_kind(second, "Job")) == set()


def test_migrate_job_has_a_name_for_its_content() -> None:
    """A Job cannot be changed: another image is another Job, even when the revision stays 1 (plain manifests)."""
    names = [set(of_kind(render({"api": {"image": image}}), "Job")) for image in ("a:1", "a:2", "a:1")]

    assert names[0] == names[2] != names[1]


def test_labels_of_pods_never_change(objects: list[Object]) -> None:
    """A pod carries its selector's labels and no version; services, budgets and policies select by the same ones."""
    templates = {
        item["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: item
        for item in objects
        if item["kind"] in ("Deployment", "StatefulSet")
    }
    for item in templates.values():
        assert item["spec"]["template"]["metadata"]["labels"] == item["spec"]["selector"]["matchLabels"]
    for item in objects:
        selector = item.get("spec", {}).get("selector") if item["kind"] == "Service" else None
        if item["kind"] == "PodDisruptionBudget":
            selector = item["spec"]["selector"]["matchLabels"]
        if selector:
            component = selector["app.kubernetes.io/component"]
            assert selector == templates[component]["spec"]["selector"]["matchLabels"]


def test_drain_fits_into_the_grace_period(objects: list[Object]) -> None:
    """preStop and drain together end before the kubelet kills; the process drains as long as the pod's budget says."""
    for name, item in of_kind(objects, "Deployment").items():
        if name.endswith("-realtime"):
            spec = item["spec"]["template"]["spec"]
            container = spec["containers"][0]
            stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            drain = int(env(container)["TANDEM_DRAIN_SECONDS"])
            assert stop >= 5
            assert spec["terminationGracePeriodSeconds"] >= stop + drain + 5
            assert item["spec"]["strategy"] == {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
            }
            assert item["spec"]["minReadySeconds"] > 0


def test_gunicorn_fits_into_the_grace_period() -> None:
    """The api's pod waits for requests under way (gunicorn's graceful_timeout, 30 s) after its preStop."""
    spec = one(render(), "Deployment", "tandem-api")["spec"]["template"]["spec"]

    assert (
        spec["terminationGracePeriodSeconds"] >= spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] + 30
    )


def test_nobody_counts_the_pods_of_an_autoscaler(objects: list[Object]) -> None:
    """`replicas` is there exactly when no autoscaler owns it."""
    scaled = {item["spec"]["scaleTargetRef"]["name"] for item in of_kind(objects, "HorizontalPodAutoscaler").values()}
    scaled |= {item["spec"]["scaleTargetRef"]["name"] for item in of_kind(objects, "ScaledObject").values()}

    for name, item in of_kind(objects, "Deployment").items():
        assert ("replicas" in item["spec"]) == (name not in scaled)
    assert scaled <= set(of_kind(objects, "Deployment"))


def test_autoscaler_on_connections() -> None:
    """Connections per pod count beside CPU, or in its place."""
    rendered = render(
        {"realtime": {"autoscaling": {"hpa": {"enabled": True, "connectionsPerPod": 5000, "cpuPercent": 0}}}}
    )
    [metric] = one(rendered, "HorizontalPodAutoscaler", "tandem-realtime")["spec"]["metrics"]

    assert metric["pods"] == {
        "metric": {"name": "tandem_connections"},
        "target": {"type": "AverageValue", "averageValue": "5000"},
    }


def test_scale_down_is_slow() -> None:
    """Realtime grows at once and shrinks a pod at a time, with HPA and with KEDA alike."""
    keda = {"enabled": True, "prometheusAddress": "http://prometheus:9090"}
    hpa = render({"realtime": {"autoscaling": {"hpa": {"enabled": True}}}})
    scaled = render({"realtime": {"autoscaling": {"keda": keda}}})
    behavior = one(hpa, "HorizontalPodAutoscaler", "tandem-realtime")["spec"]["behavior"]
    trigger = one(scaled, "ScaledObject", "tandem-realtime")["spec"]["triggers"][0]["metadata"]
    advanced = one(scaled, "ScaledObject", "tandem-realtime")["spec"]["advanced"]

    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behavior["scaleDown"] == {
        "stabilizationWindowSeconds": 900,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 120}],
    }
    assert advanced["horizontalPodAutoscalerConfig"]["behavior"] == behavior
    assert trigger == {
        "serverAddress": "http://prometheus:9090",
        "query": 'sum(tandem_connections{namespace="demo", pod=~"tandem-realtime-.*"})',
        "threshold": "5000",
    }


def test_budgets_let_nodes_go(objects: list[Object]) -> None:
    """Each budget gives one pod at a time, and never keeps a node for the sake of a pod that is broken anyway."""
    for item in of_kind(objects, "PodDisruptionBudget").values():
        assert item["spec"]["maxUnavailable"] == 1
        assert item["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_nothing_waits_in_a_circle() -> None:
    """Only the test is a hook: with `--wait`, migrations, api and stores come up side by side."""
    hooks = [path for path, text in render_files().items() if "helm.sh/hook:" in text]

    assert hooks == ["templates/tests/live.yaml"]
