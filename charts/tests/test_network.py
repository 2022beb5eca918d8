"""Who may talk to whom. What is not named is denied."""

from __future__ import annotations

from tools.helm import render
from tools.looking import Object, component, of_kind, one

NAME = "app.kubernetes.io/component"


def peers(rule: Object, side: str) -> set[str]:
    """Return the components that a rule names; `*` for anybody, `ns:x` for a namespace."""
    found: set[str] = set()
    for peer in rule.get(side, []):
        if "namespaceSelector" in peer:
            found.add("ns:" + peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
        else:
            (expression,) = peer["podSelector"]["matchExpressions"]
            assert (expression["key"], expression["operator"]) == (NAME, "In")
            found |= set(expression["values"])
    return found or {"*"}


def allowed(policy: Object, kind: str) -> set[tuple[str, str | int]]:
    """Return the pairs (peer, port) that a policy allows."""
    side = {"ingress": "from", "egress": "to"}[kind]
    return {
        (peer, port["port"]) for rule in policy["spec"][kind] for peer in peers(rule, side) for port in rule["ports"]
    }


DNS = {("*", 53), ("*", 5353)}
STORES = {("redis", "redis"), ("postgresql", "postgresql")}


def test_every_pod_has_a_policy(objects: list[Object]) -> None:
    """Each component that stays is under a policy for both directions."""
    policies = of_kind(objects, "NetworkPolicy").values()
    running = {component(item) for item in objects if item["kind"] in ("Deployment", "StatefulSet")}

    assert running <= {item["spec"]["podSelector"]["matchLabels"][NAME] for item in policies}
    assert all(item["spec"]["policyTypes"] == ["Ingress", "Egress"] for item in policies)


def test_who_reaches_whom() -> None:
    """The whole table of the pair."""
    policies = of_kind(render({"redis": {"exporter": {"enabled": True}}}), "NetworkPolicy")

    assert {name.removeprefix("tandem-"): allowed(item, "ingress") for name, item in policies.items()} == {
        "api": {("*", "http"), ("ns:monitoring", "metrics")},
        "realtime": {("*", "http"), ("ns:monitoring", "metrics")},
        "edge": {("*", "http")},
        "outbox": set(),
        "migrate": set(),
        "test": set(),
        "redis": {(name, "redis") for name in ("api", "realtime", "outbox", "worker", "load")}
        | {("ns:monitoring", "metrics")},
        "postgresql": {(name, "postgresql") for name in ("api", "outbox", "worker", "migrate")},
    }
    assert {name.removeprefix("tandem-"): allowed(item, "egress") for name, item in policies.items()} == {
        "api": DNS | STORES,
        "outbox": DNS | STORES,
        "realtime": DNS | {("redis", "redis")},
        "migrate": DNS | {("postgresql", "postgresql")},
        "test": DNS | {(name, "http") for name in ("api", "realtime", "edge")},
        "edge": DNS | {("api", "http"), ("realtime", "http")},
        "redis": set(),
        "postgresql": set(),
    }


def test_external_stores_are_reached_by_port() -> None:
    """The address of an external store is in a Secret; its port is opened to anywhere, for those who need it."""
    values = {
        "redis": {"enabled": False, "external": {"existingSecret": "r", "ports": [6379, 6380]}},
        "postgresql": {"enabled": False, "external": {"existingSecret": "p"}},
    }
    policies = of_kind(render(values), "NetworkPolicy")

    assert allowed(policies["tandem-realtime"], "egress") == DNS | {("*", 6379), ("*", 6380)}
    assert allowed(policies["tandem-migrate"], "egress") == DNS | {("*", 5432)}


def test_named_ports_exist(objects: list[Object]) -> None:
    """A policy's or a Service's named port is a port of the pods that it selects."""
    ports: dict[str, set[str]] = {}
    for item in objects:
        if item["kind"] in ("Deployment", "StatefulSet"):
            found = item["spec"]["template"]["spec"]["containers"]
            ports[component(item)] = {port["name"] for it in found for port in it.get("ports", [])}

    for policy in of_kind(objects, "NetworkPolicy").values():
        own = ports.get(policy["spec"]["podSelector"]["matchLabels"][NAME], set())
        assert {port for _, port in allowed(policy, "ingress")} <= own
    for service in of_kind(objects, "Service").values():
        own = ports[service["spec"]["selector"][NAME]]
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= own


def test_sql_is_not_for_realtime() -> None:
    """Realtime may reach SQL only where it answers for the api."""
    rendered = render({"mode": "asgi"})

    assert ("postgresql", "postgresql") in allowed(one(rendered, "NetworkPolicy", "tandem-realtime"), "egress")
    assert ("realtime", "postgresql") in allowed(one(rendered, "NetworkPolicy", "tandem-postgresql"), "ingress")
