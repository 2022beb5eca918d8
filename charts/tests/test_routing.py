"""`/ws` to realtime, the rest to the api, in every kind of edge; metrics and probes behind none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.helm import CHART, render
from tools.looking import Object, env, of_kind, one

from tandem import __version__

WS = ("/ws", "tandem-realtime")
PAIR = [WS, ("/", "tandem-api")]
MODES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, PAIR),
    ({"realtime": {"enabled": False}}, [("/", "tandem-api")]),
    ({"mode": "asgi"}, [WS, ("/", "tandem-realtime")]),
]


@pytest.mark.parametrize(("mode", "expected"), MODES)
def test_ingress(mode: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """An Ingress matches by path element, so that /wsx is not /ws, and names no controller."""
    ingress = one(render({**mode, "ingress": {"enabled": True, "host": "a.example"}}), "Ingress", "tandem")
    (rule,) = ingress["spec"]["rules"]

    assert [(it["path"], it["backend"]["service"]["name"]) for it in rule["http"]["paths"]] == expected
    assert {it["pathType"] for it in rule["http"]["paths"]} == {"Prefix"}
    assert {it["backend"]["service"]["port"]["name"] for it in rule["http"]["paths"]} == {"http"}
    assert rule["host"] == "a.example"
    assert "annotations" not in ingress["metadata"]
    assert "ingressClassName" not in ingress["spec"]


@pytest.mark.parametrize(("mode", "expected"), MODES)
def test_route(mode: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """An HTTPRoute does the same, and lifts the time limit of a request for sockets only."""
    values = {**mode, "gateway": {"enabled": True, "parentRefs": [{"name": "shared"}]}}
    rules = one(render(values), "HTTPRoute", "tandem")["spec"]["rules"]

    assert [(it["matches"][0]["path"]["value"], it["backendRefs"][0]["name"]) for it in rules] == expected
    assert [it.get("timeouts") for it in rules] == [
        {"request": "0s"} if path == "/ws" else None for path, _ in expected
    ]
    assert {it["backendRefs"][0]["port"] for it in rules} == {80}


@pytest.mark.parametrize(("mode", "expected"), MODES)
def test_edge(mode: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """The chart's own edge sends both kinds of request to the same Services."""
    config = one(render(mode), "ConfigMap", "tandem-edge")["data"]["nginx.conf"]
    http = dict(expected)["/"]
    ws = dict(expected).get("/ws", http)

    assert f"server {http}:80;" in config
    assert f"server {ws}:80;" in config
    assert "listen 8080 " in config
    assert "worker_processes 2;" in config
    assert "${" not in config


def test_protocol_of_the_socket_port() -> None:
    """Edges are told that the port speaks WebSocket, with a value for those that know another word, or none."""

    def protocol(value: str | None) -> str | None:
        values = {} if value is None else {"realtime": {"service": {"appProtocol": value}}}
        ports = one(render(values), "Service", "tandem-realtime")["spec"]["ports"]
        return next(port.get("appProtocol") for port in ports if port["name"] == "http")

    assert [protocol(None), protocol("http"), protocol("")] == ["kubernetes.io/ws", "http", None]


def test_private_ports_are_behind_no_edge(objects: list[Object]) -> None:
    """No route leads to a metrics port."""
    backends = str([item for kind in ("Ingress", "HTTPRoute") for item in of_kind(objects, kind).values()])

    assert not [port for port in ("8001", "8101", "metrics") if port in backends]


def test_hosts_of_the_routes_are_answered() -> None:
    """Django answers the names under which the chart makes it reachable, and trusts their forms over https."""
    values = {
        "ingress": {"enabled": True, "host": "a.example"},
        "gateway": {"enabled": True, "parentRefs": [{"name": "g"}], "hostnames": ["b.example", "*.c.example"]},
        "api": {"allowedHosts": ["d.example"], "csrfTrustedOrigins": ["https://d.example"]},
    }
    variables = env(one(render(values), "Deployment", "tandem-api")["spec"]["template"]["spec"]["containers"][0])

    assert variables["DJANGO_ALLOWED_HOSTS"] == (
        "localhost,127.0.0.1,[::1],tandem-api,tandem-realtime,tandem-edge,a.example,b.example,.c.example,d.example"
    )
    assert variables["CSRF_TRUSTED_ORIGINS"] == (
        "https://a.example,https://b.example,https://*.c.example,https://d.example"
    )


def test_the_api_alone_polls() -> None:
    """Without realtime no object of it is left, and the pages are told to poll."""
    rendered = render({"realtime": {"enabled": False}})
    api = one(rendered, "Deployment", "tandem-api")["spec"]["template"]["spec"]["containers"][0]

    assert [item["metadata"]["name"] for item in rendered if "realtime" in item["metadata"]["name"]] == []
    assert env(api)["TANDEM_REALTIME_ENABLED"] == "0"


def test_everything_through_asgi() -> None:
    """`mode: asgi` is one Deployment of the api's image that realtime's server runs, with all that the api reads."""
    rendered = render({"mode": "asgi"})
    spec = one(rendered, "Deployment", "tandem-realtime")["spec"]["template"]["spec"]
    variables = env(spec["containers"][0])

    assert {"tandem-api"} & set(of_kind(rendered, "Deployment")) == set()
    assert {"tandem-api"} & set(of_kind(rendered, "Service")) == set()
    assert spec["containers"][0]["image"] == f"ghcr.io/tandem-django/tandem-api:{__version__}"
    assert spec["containers"][0]["command"] == ["python", "-m", "tandem_realtime"]
    assert variables["TANDEM_HTTP_APP"] == "api.asgi:application"
    assert {"DATABASE_URL", "DJANGO_SECRET_KEY", "TANDEM_DRAIN_SECONDS", "TANDEM_REDIS_URLS"} <= set(variables)
    assert spec["initContainers"][0]["name"] == "wait-for-migrations"


OVERLAYS = sorted((CHART.parent.parent / "ingress").glob("*/values.yaml"))


@pytest.mark.parametrize("path", OVERLAYS, ids=[path.parent.name for path in OVERLAYS])
def test_overlay_of_each_controller(path: Path) -> None:
    """Each controller's values make one kind of route and leave the chart's own edge out."""
    rendered = render(yaml.safe_load(path.read_text()))
    routes = {**of_kind(rendered, "Ingress"), **of_kind(rendered, "HTTPRoute")}

    assert list(routes) == ["tandem"]
    assert "tandem-edge" not in of_kind(rendered, "Deployment")


def test_the_websocket_service_is_named_as_it_is() -> None:
    """F5's controller passes Upgrade on only to Services that an annotation names."""
    values = yaml.safe_load((CHART.parent.parent / "ingress/f5-nginx/values.yaml").read_text())
    named = values["ingress"]["annotations"]["nginx.org/websocket-services"]

    assert named in of_kind(render(values), "Service")
