"""Values that cannot work, and the sentence that says so: for the tests without a cluster, and for the one with it."""

from __future__ import annotations

from typing import Any

SQLITE = {"postgresql": {"enabled": False}, "sqlite": {"enabled": True}}
ELSEWHERE: dict[str, Any] = {"api": {"enabled": False}, "postgresql": {"enabled": False}, "edge": {"enabled": False}}
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
        "a cluster beside another Redis",
        {"redis": {"enabled": False, "external": {"urls": ["redis+cluster://a:6379", "redis://b:6379"]}}},
        "A cluster is the only address in redis.external.urls: it spreads the channels by itself. Name its nodes in "
        "one address, redis+cluster://a:6379,b:6379.",
    ),
    (
        "an address of something else",
        {"redis": {"enabled": False, "external": {"urls": ["http://a"]}}},
        "An address in redis.external.urls begins with redis:// or rediss://, redis+sentinel:// or rediss+sentinel://, "
        "redis+cluster:// or rediss+cluster://, or unix://.",
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
    (
        "one process without the application",
        {"mode": "asgi", "api": {"enabled": False}},
        "mode: asgi is the api's image with realtime in it: set api.enabled=true, or mode=pair.",
    ),
    (
        "nothing at all",
        {"api": {"enabled": False}, "realtime": {"enabled": False}},
        "Neither api nor realtime: nothing is left to run; set api.enabled=true or realtime.enabled=true.",
    ),
    (
        "an edge without the application",
        {"api": {"enabled": False}},
        "The edge routes between api and realtime, and your application is elsewhere: set edge.enabled=false beside "
        "api.enabled=false, and let /ws reach the Service of realtime.",
    ),
    (
        "a database for nobody",
        {**ELSEWHERE, "postgresql": {"enabled": True}},
        "Without the api nobody uses a database here: set postgresql.enabled=false and sqlite.enabled=false beside "
        "api.enabled=false.",
    ),
    (
        "workers without an image",
        {**ELSEWHERE, "workers": [{"name": "celery"}]},
        "workers run the image of the api: set api.enabled=true, or empty workers.",
    ),
    (
        "a project without its database",
        {**ELSEWHERE, "realtime": {"project": True}},
        "realtime.project is the environment of an api with its database: set postgresql.external.existingSecret, or "
        "realtime.project=false.",
    ),
    (
        "consumers that our image does not have",
        {"realtime": {"urlpatterns": "shop.routing.urlpatterns"}},
        "realtime.urlpatterns names code of yours, which our image does not have: set realtime.image to your image, "
        "and realtime.command=[python, -m, tandem_realtime].",
    ),
    (
        "containers over ours",
        {"api": {"pod": {"containers": []}}},
        "api.pod.containers would replace the containers of the chart: use initContainers, sidecars, env, volumeMounts "
        "and resources of api and realtime.",
    ),
    ("the node's network", {"pod": {"hostNetwork": True}}, "pod.hostNetwork is the chart's: take it away."),
    (
        "a user that may be root",
        {"redis": {"pod": {"securityContext": {"runAsNonRoot": False}}}},
        "redis.pod.securityContext.runAsNonRoot is what the restricted Pod Security Standard asks for, and stays as it "
        "is: take it away.",
    ),
    (
        "root",
        {"edge": {"pod": {"securityContext": {"runAsUser": 0}}}},
        "edge.pod.securityContext.runAsUser is root, as whom no pod of this chart runs: set another user.",
    ),
    (
        "a grace said twice",
        {"realtime": {"pod": {"terminationGracePeriodSeconds": 5}}},
        "realtime.pod.terminationGracePeriodSeconds follows from how long a pod drains: set "
        "realtime.terminationGracePeriodSeconds or edge.drainSeconds.",
    ),
    (
        "a volume of the api with a name of ours",
        {"api": {"volumes": [{"name": "tmp", "emptyDir": {}}]}},
        'api.volumes has a volume "tmp", as the chart itself does: give it another name.',
    ),
    (
        "a volume of realtime with a name of ours",
        {"realtime": {"volumes": [{"name": "data", "emptyDir": {}}]}},
        'realtime.volumes has a volume "data", as the chart itself does: give it another name.',
    ),
    (
        "two workers of one name",
        {"workers": [{"name": "celery"}, {"name": "celery"}]},
        'There are two workers named "celery": give one of them another name.',
    ),
    (
        "Redis said twice",
        {"redis": {"enabled": False, "external": {"existingSecret": "x", "urls": ["redis://a"]}}},
        "Redis is said twice: set only one of redis.external.existingSecret and redis.external.urls.",
    ),
    (
        "a password for no address",
        {"redis": {"enabled": False, "external": {"existingSecret": "x", "passwordSecret": "y"}}},
        "redis.external.passwordSecret is for the $(REDIS_PASSWORD) in redis.external.urls: set those, or empty it.",
    ),
    (
        "a CA for the chart's own Redis",
        {"redis": {"external": {"caSecret": "x"}}},
        "redis.external.caSecret is for a Redis of yours: set redis.enabled=false, or empty it.",
    ),
    (
        "a password for no database",
        {"postgresql": {"enabled": False, "external": {"existingSecret": "x", "passwordSecret": "y"}}},
        "postgresql.external.passwordSecret is for the $(POSTGRES_PASSWORD) in postgresql.external.url: set that, or "
        "empty it.",
    ),
    (
        "a CA for the chart's own database",
        {"postgresql": {"external": {"caSecret": "x"}}},
        "postgresql.external.caSecret is for a database of yours: set postgresql.enabled=false, or empty it.",
    ),
    (
        "our certificate for the chart's own database",
        {"postgresql": {"external": {"clientSecret": "x"}}},
        "postgresql.external.clientSecret is for a database of yours: set postgresql.enabled=false, or empty it.",
    ),
    (
        "fewest pods of realtime above most",
        {"realtime": {"autoscaling": {"minReplicas": 21}}},
        "realtime.autoscaling.minReplicas is more than maxReplicas: set it to at most that.",
    ),
    (
        "an autoscaler that aims at nothing",
        {"realtime": {"autoscaling": {"hpa": {"enabled": True, "cpuPercent": 0}}}},
        "The autoscaler of realtime aims at nothing: set realtime.autoscaling.hpa.cpuPercent or "
        "realtime.autoscaling.hpa.connectionsPerPod.",
    ),
]
