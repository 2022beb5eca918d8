"""What Prometheus and Grafana are given: by the chart for their operators, and by k8s/monitoring for a demo."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tools.helm import CHART, NEWEST, OLDEST, render
from tools.looking import Object

from rig.servers import find_program

DEMO = CHART.parent.parent / "k8s" / "monitoring"
ALERTS = yaml.safe_load((CHART / "alerts" / "tandem.yaml").read_text())
GATEWAY = {"enabled": True, "parentRefs": [{"name": "gateway"}]}
DASHBOARD = json.loads((CHART / "dashboards" / "live-connections.json").read_text())


def one(objects: list[Object], kind: str) -> Object:
    """Return the only object of *kind* that belongs to monitoring."""
    [found] = [
        item
        for item in objects
        if item["kind"] == kind and item["metadata"]["labels"]["app.kubernetes.io/component"] == "monitoring"
    ]
    return found


def monitoring(**values: Any) -> list[Object]:
    """Render the chart with these values under `monitoring`."""
    return render({"monitoring": values})


def test_the_rules_are_the_tested_ones():
    """The PrometheusRule holds alerts/tandem.yaml as it is, and the labels by which Prometheus finds it."""
    rule = one(monitoring(rules={"enabled": True, "additionalLabels": {"release": "prom"}}), "PrometheusRule")

    assert rule["spec"] == ALERTS
    assert rule["metadata"]["labels"]["release"] == "prom"


def test_the_runbook_can_live_elsewhere():
    """With `runbookUrl` every alert links there; the anchors stay."""
    rule = one(monitoring(rules={"enabled": True, "runbookUrl": "https://wiki.example/tandem"}), "PrometheusRule")

    urls = [alert["annotations"]["runbook_url"] for alert in rule["spec"]["groups"][0]["rules"]]
    assert urls == [f"https://wiki.example/tandem#{alert['alert'].lower()}" for alert in ALERTS["groups"][0]["rules"]]


@pytest.mark.parametrize(
    ("values", "live"),
    [
        (
            {"ingress": {"enabled": True, "host": "shop.example"}},
            "https://shop.example/admin/tandem_monitor/connection/",
        ),
        (
            {"gateway": {**GATEWAY, "hostnames": ["a.example"]}},
            "https://a.example/admin/tandem_monitor/connection/",
        ),
        ({"monitoring": {"dashboards": {"livePage": "https://intern.example/live/"}}}, "https://intern.example/live/"),
        (
            {"gateway": {**GATEWAY, "hostnames": ["*.example"]}},
            "http://localhost:9000/admin/tandem_monitor/connection/",
        ),
    ],
    ids=["ingress", "gateway", "given", "wildcard"],
)
def test_the_dashboard_links_to_the_page_of_this_release(values: dict[str, Any], live: str):
    """At the host that its routes answer, or where one says; and to the runbook that alerts link to."""
    monitoring = values.pop("monitoring", {}) | {
        "rules": {"enabled": True, "runbookUrl": "https://wiki.example/tandem"}
    }
    config = one(render({**values, "monitoring": monitoring}), "ConfigMap")

    links = json.loads(config["data"]["live-connections.json"])["links"]
    assert [link["url"] for link in links] == ["https://wiki.example/tandem", live]


def test_grafanas_sidecar_finds_the_dashboard():
    """The ConfigMap holds the file as it is, under the label that the sidecar looks for."""
    config = one(monitoring(dashboards={"enabled": True, "additionalLabels": {"team": "web"}}), "ConfigMap")

    assert json.loads(config["data"]["live-connections.json"]) == DASHBOARD
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config["metadata"]["labels"]["team"] == "web"


def test_switched_off_nothing_is_left():
    """Without rules and dashboards the chart has no object for monitoring."""
    objects = monitoring(rules={"enabled": False}, dashboards={"enabled": False})

    names = {item["kind"] for item in objects if "monitoring" in item["metadata"]["labels"].values()}
    assert names == set()


@pytest.fixture(scope="module")
def demo() -> list[Object]:
    """What `kubectl apply -k k8s/monitoring` would apply."""
    built = subprocess.run([find_program("kubectl"), "kustomize", DEMO], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return [item for item in yaml.safe_load_all(built.stdout) if item]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_demo_passes_strict_schemas(demo: list[Object], version: str):
    """Every object of the demo is valid on the oldest and the newest supported version."""
    for item in demo:
        kubernetes_validate.validate(item, version, strict=True)


def test_the_demo_is_restricted(demo: list[Object]):
    """Its namespace enforces the restricted standard, and its pods would be admitted."""
    [namespace] = [item for item in demo if item["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for item in demo:
        if item["kind"] == "Deployment":
            spec = item["spec"]["template"]["spec"]
            assert spec["securityContext"]["runAsNonRoot"] is True
            assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            for container in spec["containers"]:
                assert container["securityContext"] == {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }


def test_the_demo_has_the_charts_own_files(demo: list[Object]):
    """Alerts and dashboard are the chart's, not copies; every volume's ConfigMap exists."""
    data = {item["metadata"]["name"]: item["data"] for item in demo if item["kind"] == "ConfigMap"}
    mounted = {
        volume["configMap"]["name"]
        for item in demo
        if item["kind"] == "Deployment"
        for volume in item["spec"]["template"]["spec"]["volumes"]
        if "configMap" in volume
    }
    files = {name: text for held in data.values() for name, text in held.items()}

    assert mounted == set(data)
    assert yaml.safe_load(files["tandem.yaml"]) == ALERTS
    assert json.loads(files["live-connections.json"]) == DASHBOARD


def test_prometheus_accepts_its_configuration(tmp_path: Path):
    """promtool reads it (without the discovery, which Debian's build leaves out)."""
    config = yaml.safe_load((DEMO / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))

    checked = subprocess.run(
        [find_program("promtool"), "check", "config", "--syntax-only", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stderr


def test_the_demo_scrapes_every_pod_that_has_metrics():
    """Each container port called `metrics` of the chart passes the demo's filter, and no other port does."""
    config = yaml.safe_load((DEMO / "prometheus.yml").read_text())
    keep = config["scrape_configs"][0]["relabel_configs"][0]
    values = {"redis": {"exporter": {"enabled": True}}}
    kept = set()
    for item in render(values):
        if item["kind"] in ("Deployment", "StatefulSet"):
            template = item["spec"]["template"]
            name = template["metadata"]["labels"]["app.kubernetes.io/name"]
            for container in template["spec"]["containers"]:
                for port in container.get("ports", []):
                    if f"{name};{port['name']}" == keep["regex"]:
                        kept.add((item["metadata"]["labels"]["app.kubernetes.io/component"], port["containerPort"]))

    assert kept == {("api", 8001), ("realtime", 8101), ("redis", 9121)}
