"""The chart with a team's own image: nothing of the example is in what it runs."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
import yaml
from helm_python import HelmError
from tools.helm import NEWEST, render
from tools.looking import component, containers, env, of_kind, one, pod_specs

TEAM: dict[str, Any] = {
    "api": {
        "image": "registry.example/shop:7",
        "manage": ["python", "manage.py"],
        "port": 9000,
        "metricsPort": 0,
        "probes": {"liveness": "", "readiness": "/health/"},
        "env": {"DJANGO_SETTINGS_MODULE": "shop.settings"},
        "volumes": [{"name": "media", "emptyDir": {}}],
        "volumeMounts": [{"name": "media", "mountPath": "/media"}],
    },
    "realtime": {
        "image": "registry.example/shop:7",
        "command": ["python", "-m", "tandem_realtime"],
        "urlpatterns": "shop.routing.urlpatterns",
        "project": True,
        "env": {"DJANGO_SETTINGS_MODULE": "shop.settings"},
    },
    "workers": [
        {"name": "celery", "command": ["celery", "-A", "shop", "worker"], "replicas": 3, "env": {"QUEUE": "slow"}},
        {"name": "beat", "args": ["beat"], "livenessProbe": {"exec": {"command": ["true"]}}},
    ],
}
ELSEWHERE: dict[str, Any] = {
    "api": {"enabled": False},
    "postgresql": {"enabled": False},
    "edge": {"enabled": False},
    "ingress": {"enabled": True},
}


def test_nothing_of_the_example_is_run() -> None:
    """No container names the example's modules or image; migrations, outbox and wait run the team's manage.py."""
    rendered = render(TEAM)
    texts = {
        f"{name}/{container['name']}": yaml.safe_dump([container["image"], container.get("command", [])])
        for name, spec in pod_specs(rendered)
        for container in containers(spec)
    }

    assert [name for name, text in texts.items() if "tandem-api" in text or "-m api" in text or "loadgen" in text] == []
    for name in ("api/wait-for-migrations", "migrate/migrate"):
        assert "'python' 'manage.py' 'migrate'" in texts[name]
    outbox = one(rendered, "Deployment", "tandem-outbox")["spec"]["template"]["spec"]["containers"][0]
    assert outbox["command"] == ["python", "manage.py", "runworker", "tandem", "--probe-port=8002"]
    assert outbox["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 8002}


def test_the_web_container_is_as_the_image_says() -> None:
    """Without a command there is none; the port is told and probed; without a path, the port alone is asked."""
    rendered = render(TEAM)
    (container,) = one(rendered, "Deployment", "tandem-api")["spec"]["template"]["spec"]["containers"]
    service = one(rendered, "Service", "tandem-api")

    assert not {"command", "args"} & set(container)
    assert container["ports"] == [{"name": "http", "containerPort": 9000, "protocol": "TCP"}]
    assert env(container)["PORT"] == "9000"
    assert container["livenessProbe"]["tcpSocket"] == {"port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/health/", "port": "http"}
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]


def test_every_container_of_the_image_has_the_mounts() -> None:
    """Web, migrations, outbox and workers see the team's volumes and variables."""
    found = [
        container
        for name, spec in pod_specs(render(TEAM))
        if name in ("api", "migrate", "outbox", "worker")
        for container in containers(spec)
    ]

    assert all({"name": "media", "mountPath": "/media"} in container["volumeMounts"] for container in found)
    assert {env(container)["DJANGO_SETTINGS_MODULE"] for container in found} == {"shop.settings"}


def test_workers_are_deployments() -> None:
    """Each worker is a Deployment of its own, whose selector finds its pods alone; its variables are its own."""
    rendered = render(TEAM)
    workers = {name: item for name, item in of_kind(rendered, "Deployment").items() if component(item) == "worker"}
    celery, beat = workers["tandem-worker-celery"]["spec"], workers["tandem-worker-beat"]["spec"]
    (container,) = celery["template"]["spec"]["containers"]

    assert (celery["replicas"], beat["replicas"]) == (3, 1)
    assert celery["selector"]["matchLabels"] != beat["selector"]["matchLabels"]
    assert celery["template"]["metadata"]["labels"] == celery["selector"]["matchLabels"]
    assert (container["command"], env(container)["QUEUE"]) == (["celery", "-A", "shop", "worker"], "slow")
    assert beat["template"]["spec"]["containers"][0]["livenessProbe"] == {"exec": {"command": ["true"]}}
    assert "tandem-worker" in of_kind(rendered, "NetworkPolicy")


def test_realtime_runs_the_teams_settings_when_asked() -> None:
    """With `realtime.project` the sockets have the application's environment, and may reach SQL; without, neither."""
    theirs = one(render(TEAM), "Deployment", "tandem-realtime")["spec"]["template"]["spec"]["containers"][0]
    ours = one(render(), "Deployment", "tandem-realtime")["spec"]["template"]["spec"]["containers"][0]
    policy = one(render(TEAM), "NetworkPolicy", "tandem-postgresql")["spec"]["ingress"][0]["from"][0]

    assert env(theirs)["TANDEM_URLPATTERNS"] == "shop.routing.urlpatterns"
    assert {"DJANGO_SECRET_KEY", "DATABASE_URL"} <= set(env(theirs))
    assert not {"DJANGO_SECRET_KEY", "DATABASE_URL", "TANDEM_URLPATTERNS"} & set(env(ours))
    assert "realtime" in policy["podSelector"]["matchExpressions"][0]["values"]


def test_migrations_and_outbox_as_the_image_says() -> None:
    """A command or arguments of one's own take the place of ours; both parts can be left out."""
    own = {"migrate": {"args": ["migrate"]}, "outbox": {"command": ["run-outbox"]}}
    rendered = render(own)
    job = next(iter(of_kind(rendered, "Job").values()))["spec"]["template"]["spec"]["containers"][0]
    outbox = one(rendered, "Deployment", "tandem-outbox")["spec"]["template"]["spec"]["containers"][0]
    without = render({"migrate": {"enabled": False}, "outbox": {"enabled": False}})

    assert (job.get("command"), job["args"]) == (None, ["migrate"])
    assert (outbox["command"], "livenessProbe" in outbox) == (["run-outbox"], False)
    assert of_kind(without, "Job") == {}
    assert "tandem-outbox" not in of_kind(without, "Deployment")


def test_only_realtime() -> None:
    """Beside an application that lives elsewhere: realtime, Redis and /ws, no SQL, no example; the test needs none."""
    rendered = render(ELSEWHERE)
    (rule,) = one(rendered, "Ingress", "tandem")["spec"]["rules"]

    assert set(of_kind(rendered, "Deployment")) == {"tandem-realtime"}
    assert set(of_kind(rendered, "StatefulSet")) == {"tandem-redis"}
    assert [path["path"] for path in rule["http"]["paths"]] == ["/ws"]
    assert "tandem-api" not in yaml.safe_dump([spec for _, spec in pod_specs(rendered)])
    test = one(rendered, "Pod", "tandem-test-live")["spec"]["containers"][0]
    assert test["command"] == ["python", "-m", "tandem_realtime.smoke", "--ws=ws://tandem-realtime/ws/"]


def test_who_lives_elsewhere_may_reach_redis() -> None:
    """`redis.allowFrom` names the pods of the application."""
    peer = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "shop"}}}
    policy = one(render({**ELSEWHERE, "redis": {"allowFrom": [peer]}}), "NetworkPolicy", "tandem-redis")

    assert policy["spec"]["ingress"][0]["from"][-1] == peer


@pytest.mark.parametrize("values", [TEAM, ELSEWHERE], ids=["team", "elsewhere"])
def test_strict_schemas(values: dict[str, Any]) -> None:
    """Every object passes Kubernetes' strict schema."""
    for item in render(values):
        kubernetes_validate.validate(item, NEWEST, strict=True)


def test_external_stores_with_a_ca_and_a_password_of_their_own() -> None:
    """Addresses from the values, passwords from any Secret and key, certificates of private CAs mounted."""
    rendered = render(
        {
            "redis": {
                "enabled": False,
                "external": {
                    "urls": ["rediss://:$(REDIS_PASSWORD)@r:6380/0?ssl_ca_certs=/etc/tandem/redis-ca/ca.crt"],
                    "passwordSecret": "r",
                    "passwordKey": "pw",
                    "caSecret": "r-ca",
                },
            },
            "postgresql": {
                "enabled": False,
                "external": {
                    "url": "postgresql://shop:$(POSTGRES_PASSWORD)@db/shop",
                    "passwordSecret": "p",
                    "passwordKey": "pw",
                    "caSecret": "p-ca",
                    "caKey": "root.pem",
                },
            },
        }
    )
    api = one(rendered, "Deployment", "tandem-api")["spec"]["template"]["spec"]
    realtime = one(rendered, "Deployment", "tandem-realtime")["spec"]["template"]["spec"]
    variables = env(api["containers"][0])
    names = list(variables)

    assert variables["POSTGRES_PASSWORD"] == {"secretKeyRef": {"name": "p", "key": "pw"}}
    assert variables["REDIS_PASSWORD"] == {"secretKeyRef": {"name": "r", "key": "pw"}}
    assert names.index("POSTGRES_PASSWORD") < names.index("DATABASE_URL")
    assert (variables["PGSSLMODE"], variables["PGSSLROOTCERT"]) == (
        "verify-full",
        "/etc/tandem/postgresql-ca/ca.crt",
    )
    assert {volume["name"] for volume in api["volumes"]} == {"tmp", "redis-ca", "postgresql-ca"}
    assert {volume["name"] for volume in realtime["volumes"]} == {"tmp", "redis-ca"}
    assert {"secretName": "p-ca", "items": [{"key": "root.pem", "path": "ca.crt"}]} in [
        volume.get("secret") for volume in api["volumes"]
    ]


def test_keys_of_ones_own_secret() -> None:
    """A Secret that names its keys otherwise is read by those names."""
    rendered = render({"secrets": {"existingSecret": "own", "keys": {"tokenKeys": "JWT"}}})
    realtime = one(rendered, "Deployment", "tandem-realtime")["spec"]["template"]["spec"]["containers"][0]

    assert env(realtime)["TANDEM_TOKEN_KEYS"] == {"secretKeyRef": {"name": "own", "key": "JWT"}}


SENTENCES = [
    (
        {"api": {"enabled": False}, "postgresql": {"enabled": False}},
        "The edge routes between api and realtime, and your application is elsewhere: "
        "set edge.enabled=false beside api.enabled=false, and let /ws reach the Service of realtime.",
    ),
    (
        {"api": {"enabled": False}, "edge": {"enabled": False}},
        "Without the api nobody uses a database here: "
        "set postgresql.enabled=false and sqlite.enabled=false beside api.enabled=false.",
    ),
    (
        {"api": {"enabled": False}, "realtime": {"enabled": False}},
        "Neither api nor realtime: nothing is left to run; set api.enabled=true or realtime.enabled=true.",
    ),
    (
        {"realtime": {"urlpatterns": "shop.routing.urlpatterns"}},
        "realtime.urlpatterns names code of yours, which our image does not have: "
        "set realtime.image to your image, and realtime.command=[python, -m, tandem_realtime].",
    ),
    (
        {"redis": {"external": {"caSecret": "x"}}},
        "redis.external.caSecret is for a Redis of yours: set redis.enabled=false, or empty it.",
    ),
]


@pytest.mark.parametrize(("values", "sentence"), SENTENCES, ids=[sentence.split()[0] for _, sentence in SENTENCES])
def test_impossible_combination(values: dict[str, Any], sentence: str) -> None:
    """The render stops, and the last thing it says is the sentence."""
    with pytest.raises(HelmError) as caught:
        render(values)

    assert str(caught.value).endswith(sentence)
