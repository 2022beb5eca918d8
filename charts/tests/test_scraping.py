"""Prometheus finds each metrics port, by the operator's objects."""

from __future__ import annotations

from typing import Any

import pytest
from tools.helm import render
from tools.looking import of_kind

KINDS = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
EVERYTHING: dict[str, Any] = {
    "monitoring": {
        "serviceMonitor": {"enabled": True, "additionalLabels": {"release": "prometheus"}, "interval": "30s"},
        "rules": {"enabled": True, "additionalLabels": {"release": "prometheus"}},
    },
    "redis": {"exporter": {"enabled": True}},
}


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, {"api", "redis"}), ({"mode": "asgi"}, {"redis"})],
)
def test_each_monitor_finds_a_service_with_its_port(values: dict[str, Any], expected: set[str]) -> None:
    """A ServiceMonitor selects exactly one Service, which has the port that it names."""
    rendered = render({**EVERYTHING, **values})
    monitors = of_kind(rendered, "ServiceMonitor")
    services = of_kind(rendered, "Service").values()

    assert set(monitors) == {f"tandem-{name}" for name in expected}
    for monitor in monitors.values():
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (service,) = (it for it in services if wanted <= it["metadata"]["labels"].items())
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint == {"port": "metrics", "interval": "30s"}
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize("mode", ["pair", "asgi"])
def test_a_draining_pod_is_watched_to_its_end(mode: str) -> None:
    """realtime is scraped by pods: a draining one has left its Service. Our label `endpoint` is kept."""
    (monitor,) = of_kind(render({**EVERYTHING, "mode": mode}), "PodMonitor").values()

    assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "metrics", "interval": "30s", "honorLabels": True}]
    assert monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] == "realtime"


def test_labels_by_which_prometheus_finds_them() -> None:
    """All kinds carry the labels of the values."""
    rendered = render(EVERYTHING)
    found = [item for kind in KINDS for item in of_kind(rendered, kind).values()]

    assert {item["metadata"]["labels"]["release"] for item in found} == {"prometheus"}
    assert {item["kind"] for item in found} == KINDS


def test_nothing_of_the_operator_unless_asked(objects: list[dict[str, Any]], case: str) -> None:
    """Without the operator's CRDs an install must not fail: they are made on demand only."""
    kinds = {item["kind"] for item in objects} & KINDS

    assert kinds == (KINDS if case == "ha" else set())
