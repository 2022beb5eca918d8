"""Combinations that cannot work stop the render with one sentence that says what to set."""

from __future__ import annotations

from typing import Any

import pytest
from helm_python import HelmError
from tools.helm import render

SQLITE = {"postgresql": {"enabled": False}, "sqlite": {"enabled": True}}
KEDA = {"enabled": True, "prometheusAddress": "http://prometheus:9090"}

SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    (
        "two replicas on SQLite",
        {**SQLITE, "api": {"replicas": 2}},
        "SQLite is one file in one pod: set api.replicas=1 and api.autoscaling.enabled=false, or use PostgreSQL.",
    ),
    (
        "autoscaling on SQLite",
        {**SQLITE, "api": {"replicas": 1, "autoscaling": {"enabled": True}}},
        "SQLite is one file in one pod: set api.replicas=1 and api.autoscaling.enabled=false, or use PostgreSQL.",
    ),
    (
        "two ASGI replicas on SQLite",
        {**SQLITE, "mode": "asgi"},
        "SQLite is one file in one pod: set realtime.replicas=1 and realtime.autoscaling off, or use PostgreSQL.",
    ),
    (
        "a drain longer than the grace period",
        {"realtime": {"drainSeconds": 60}},
        "The kubelet would kill realtime before it has drained: "
        "set realtime.terminationGracePeriodSeconds above 65 (preStopSeconds + drainSeconds).",
    ),
    (
        "a drain as long as the grace period",
        {"realtime": {"drainSeconds": 45}},
        "The kubelet would kill realtime before it has drained: "
        "set realtime.terminationGracePeriodSeconds above 50 (preStopSeconds + drainSeconds).",
    ),
    (
        "KEDA without Prometheus",
        {"realtime": {"autoscaling": {"keda": {"enabled": True}}}},
        "KEDA scales on a figure from Prometheus: set realtime.autoscaling.keda.prometheusAddress, "
        "such as http://prometheus.monitoring:9090.",
    ),
    (
        "HPA and KEDA",
        {"realtime": {"autoscaling": {"hpa": {"enabled": True}, "keda": KEDA}}},
        "Two autoscalers would fight over realtime: set only one of realtime.autoscaling.hpa.enabled and "
        "realtime.autoscaling.keda.enabled.",
    ),
    (
        "external Redis without a Secret",
        {"redis": {"enabled": False}},
        'There is no Redis: set redis.external.existingSecret to a Secret whose key "urls" holds its addresses, '
        "or redis.enabled=true.",
    ),
    (
        "two Redis",
        {"redis": {"external": {"existingSecret": "x"}}},
        "There are two Redis: set redis.enabled=false to use redis.external.existingSecret, or empty that.",
    ),
    (
        "a Redis in cluster mode",
        {"redis": {"enabled": False, "external": {"urls": ["redis+cluster://a:6379"]}}},
        "Redis in cluster mode is not spoken yet: give the addresses of several servers in redis.external.urls, each a "
        "shard, or one that Sentinels watch.",
    ),
    (
        "an address of something else",
        {"redis": {"enabled": False, "external": {"urls": ["http://a"]}}},
        "An address in redis.external.urls begins with redis://, rediss://, redis+sentinel://, rediss+sentinel:// or "
        "unix://.",
    ),
    (
        "our certificate for the chart's own Redis",
        {"redis": {"external": {"clientSecret": "x"}}},
        "redis.external.clientSecret is for a Redis of yours: set redis.enabled=false, or empty it.",
    ),
    (
        "no database",
        {"postgresql": {"enabled": False}},
        'There is no database: set postgresql.external.existingSecret to a Secret whose key "url" holds its address, '
        "or postgresql.enabled=true, or sqlite.enabled=true.",
    ),
    (
        "two databases",
        {"sqlite": {"enabled": True}, "api": {"replicas": 1}},
        "There is more than one database (postgresql.enabled, sqlite.enabled): set all but one of them off.",
    ),
    (
        "a memory limit that is no share's base",
        {"redis": {"resources": {"limits": {"memory": "1.5Gi"}}}},
        "maxmemory is a share of Redis's memory limit: "
        "set redis.resources.limits.memory to a whole number of Ki, Mi or Gi.",
    ),
    (
        "minimum above maximum",
        {"api": {"autoscaling": {"minReplicas": 11}}},
        "api.autoscaling.minReplicas is more than maxReplicas: set it to at most that.",
    ),
    (
        "everything through a server that is off",
        {"mode": "asgi", "realtime": {"enabled": False}},
        "mode: asgi is realtime's server answering every path: set realtime.enabled=true, or mode=pair.",
    ),
    (
        "a route without a Gateway",
        {"gateway": {"enabled": True}},
        "An HTTPRoute belongs to a Gateway: set gateway.parentRefs, such as [{name: my-gateway, namespace: gateways}].",
    ),
    (
        "a certificate without a host",
        {"ingress": {"enabled": True, "tlsSecret": "x"}},
        "A certificate belongs to a host: set ingress.host beside ingress.tlsSecret.",
    ),
]


@pytest.mark.parametrize(("values", "sentence"), [it[1:] for it in SENTENCES], ids=[it[0] for it in SENTENCES])
def test_impossible_combination(values: dict[str, Any], sentence: str) -> None:
    """The render stops, and the last thing it says is the sentence."""
    with pytest.raises(HelmError) as caught:
        render(values)

    assert str(caught.value).endswith(sentence)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"replicas": 3}, "additional properties 'replicas' not allowed"),
        ({"api": {"replica": 3}}, "additional properties 'replica' not allowed"),
        (
            {"realtime": {"autoscaling": {"keda": {"prometheus": "x"}}}},
            "additional properties 'prometheus' not allowed",
        ),
        ({"redis": {"resources": {"limit": {}}}}, "additional properties 'limit' not allowed"),
        ({"mode": "both"}, "at '/mode': value must be one of 'pair', 'asgi'"),
        ({"imagePullPolicy": "never"}, "at '/imagePullPolicy': value must be one of 'IfNotPresent', 'Always', 'Never'"),
        ({"api": {"replicas": "two"}}, "at '/api/replicas': got string, want integer"),
        ({"redis": {"shards": 0}}, "at '/redis/shards': minimum: got 0, want 1"),
    ],
)
def test_schema_refuses(values: dict[str, Any], where: str) -> None:
    """An unknown key or a wrong type is refused, and named."""
    with pytest.raises(HelmError) as caught:
        render(values)

    assert where in str(caught.value)


def test_a_subchart_may_have_globals() -> None:
    """`global`, which Helm passes to a subchart, is no unknown key."""
    assert render({"global": {"x": 1}})
