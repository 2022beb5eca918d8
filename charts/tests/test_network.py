"""Who may talk to whom. What is not named is denied."""

from __future__ import annotations

from tools.helm import render
from tools.looking import Object, component, of_kind, one

NAME = "app.kubernetes.io/component"


def peers(rule: Object, side: str) -> set[str]:
    """Return the components that a rule names; `*` for anybody, `ns:x` for a namespace, `app:x` for others' pods."""
    found: set[str] = set()
    for peer in rule.get(side, []):
        if "namespaceSelector" in peer:
            found.add("ns:" + peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
        elif "matchExpressions" not in peer["podSelector"]:
            found.add("app:" + peer["podSelector"]["matchLabels"]["app"])
        else:
            (expression,) = peer["podSelector"]["matchExpressions"]
            assert (expression["key"], expression["operator"]) == (NAME, "In")
            found |= set(expression["values"])
    return found or {"*"}


def allowed(policy: Object, kind: str) -> set[tuple[str, str | int]]:
    """Return the pairs (peer, port) that a policy allows."""
    side = {"ingress": "from", "egress": "to"}[kind]
    return {
        (peer, port["port"])
        for rule in policy["spec"].get(kind, [])
        for peer in peers(rule, side)
        for port in rule["ports"]
    }


DNS = {("*", 53), ("*", 5353)}
STORES = {("redis", 6379), ("postgresql", 5432)}
OTLP = {("*", 4317), ("*", 4318)}
OWN = OTLP | {("*", port) for port in (443, 25, 465, 587)}
HTTP = {"api": 8000, "edge": 8080, "realtime": 8100}


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
        "api": {("*", 8000), ("ns:monitoring", 8001)},
        "realtime": {("*", 8100), ("ns:monitoring", 8101)},
        "edge": {("*", 8080)},
        "outbox": set(),
        "migrate": set(),
        "test": set(),
        "redis": {(name, 6379) for name in ("api", "realtime", "outbox", "worker", "prune", "load", "test")}
        | {("ns:monitoring", 9121)},
        "postgresql": {(name, 5432) for name in ("api", "outbox", "worker", "migrate", "prune")},
    }
    assert {name.removeprefix("tandem-"): allowed(item, "egress") for name, item in policies.items()} == {
        "api": DNS | STORES | OWN,
        "outbox": DNS | STORES | OWN,
        "realtime": DNS | {("redis", 6379)} | OTLP,
        "migrate": DNS | {("postgresql", 5432)},
        "test": DNS | {("redis", 6379)} | {(name, port) for name in HTTP for port in HTTP.values()},
        "edge": DNS | {(name, port) for name in ("api", "realtime") for port in (8000, 8100)},
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

    assert allowed(policies["tandem-realtime"], "egress") == DNS | {("*", 6379), ("*", 6380)} | OTLP
    assert allowed(policies["tandem-migrate"], "egress") == DNS | {("*", 5432)}


def test_ports_are_those_of_the_pods(objects: list[Object]) -> None:
    """A policy opens ports that its pods have, by number; a Service names ports that its pods have."""
    ports: dict[str, dict[str, int]] = {}
    for item in objects:
        if item["kind"] in ("Deployment", "StatefulSet"):
            found = item["spec"]["template"]["spec"]["containers"]
            ports[component(item)] = {
                port["name"]: port["containerPort"] for it in found for port in it.get("ports", [])
            }

    for policy in of_kind(objects, "NetworkPolicy").values():
        own = ports.get(policy["spec"]["podSelector"]["matchLabels"][NAME], {})
        assert {port for _, port in allowed(policy, "ingress")} <= set(own.values())
    for service in of_kind(objects, "Service").values():
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(
            ports[service["spec"]["selector"][NAME]]
        )


def test_sql_is_not_for_realtime() -> None:
    """Realtime may reach SQL only where it answers for the api."""
    rendered = render({"mode": "asgi"})

    assert ("postgresql", 5432) in allowed(one(rendered, "NetworkPolicy", "tandem-realtime"), "egress")
    assert ("realtime", 5432) in allowed(one(rendered, "NetworkPolicy", "tandem-postgresql"), "ingress")
