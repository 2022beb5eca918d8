"""Secrets: made once, kept over upgrades, in no place where they can be read by mistake."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import yaml
from helm_python import Chart, Config
from tools.helm import CHART, render, render_files
from tools.looking import Object, containers, env, one, pod_specs

KEYS = {"api-keys", "django-secret-key", "postgresql-password", "redis-password", "token-keys"}


class ApiServer(BaseHTTPRequestHandler):
    """As much of a Kubernetes API server as Helm's `lookup` asks for: discovery, and Secrets."""

    secrets: ClassVar[dict[str, Object]] = {}

    def do_GET(self) -> None:
        """Answer discovery and `GET .../secrets/<name>`."""
        path = self.path.partition("?")[0]
        secret = self.secrets.get(path.rpartition("/")[2]) if "/secrets/" in path else None
        resource = {"name": "secrets", "singularName": "secret", "namespaced": True, "kind": "Secret", "verbs": ["get"]}
        answers: dict[str, Any] = {
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
            "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [resource]},
            "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
        }
        answer = secret or answers.get(path)
        missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        body = json.dumps(answer or missing).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Leave no line."""


@pytest.fixture
def cluster() -> Iterator[Config]:
    """Helm's connection to a cluster that remembers Secrets."""
    ApiServer.secrets = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), ApiServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": address}}],
        "users": [{"name": "test", "user": {}}],
    }
    with Config(kubeconfig_content=yaml.safe_dump(kubeconfig), namespace="demo") as config:
        yield config
    server.shutdown()
    server.server_close()


def rendered_secret(cluster: Config, revision: int) -> Object:
    """Render against the cluster, and let the cluster remember the Secret."""
    with Chart.load(CHART) as chart:
        files = cluster.render(
            chart,
            {},
            name="tandem",
            namespace="demo",
            revision=revision,
            is_install=revision == 1,
            is_upgrade=revision > 1,
        )
    secret: Object = yaml.safe_load(files["tandem/templates/secret.yaml"])
    ApiServer.secrets[secret["metadata"]["name"]] = secret
    return secret


def test_kept_over_upgrades(cluster: Config) -> None:
    """Two upgrades later every key is what the first install made it."""
    first, second, third = (rendered_secret(cluster, revision) for revision in (1, 2, 3))

    assert set(first["data"]) == KEYS
    assert first["data"] == second["data"] == third["data"]


def test_new_keys_join_the_old(cluster: Config) -> None:
    """A key that the Secret lacks is made; the others stay, whatever somebody put into them."""
    first = rendered_secret(cluster, 1)
    mine = base64.b64encode(b"new,old").decode()
    ApiServer.secrets["tandem"]["data"] = {**first["data"], "token-keys": mine}
    del ApiServer.secrets["tandem"]["data"]["api-keys"]
    second = rendered_secret(cluster, 2)

    assert second["data"]["token-keys"] == mine
    assert second["data"]["redis-password"] == first["data"]["redis-password"]
    assert base64.b64decode(second["data"]["api-keys"]) != b""


def test_secrets_are_long_random_and_fit_into_urls() -> None:
    """48 letters and digits each, all different."""
    made = [base64.b64decode(it).decode() for it in one(render(), "Secret", "tandem")["data"].values()]

    assert {len(it) for it in made} == {48}
    assert all(it.isalnum() for it in made)
    assert len(set(made)) == len(KEYS)


def test_an_existing_secret_is_used_in_place() -> None:
    """With `secrets.existingSecret` no Secret is made, and every reference goes there."""
    values = {"secrets": {"existingSecret": "mine"}}
    rendered = render(values)
    names = {
        source["secretKeyRef"]["name"]
        for _, spec in pod_specs(rendered)
        for container in containers(spec)
        if "env" in container
        for source in env(container).values()
        if isinstance(source, dict) and "secretKeyRef" in source
    }

    assert [item for item in rendered if item["kind"] == "Secret"] == []
    assert names == {"mine"}


def test_every_reference_is_to_a_key_that_exists() -> None:
    """The pods ask for the keys that the Secret has, and for all of them."""
    asked = {
        source["secretKeyRef"]["key"]
        for _, spec in pod_specs(render())
        for container in containers(spec)
        if "env" in container
        for source in env(container).values()
        if isinstance(source, dict) and "secretKeyRef" in source
    }

    assert asked == KEYS


def test_nothing_secret_elsewhere() -> None:
    """Outside the Secret no rendered text, NOTES and ConfigMaps included, contains one; no password is an argument."""
    files = render_files()
    made = yaml.safe_load(files.pop("templates/secret.yaml"))["data"].values()
    others = "\n".join(files.values())

    assert [it for it in made if it in others or base64.b64decode(it).decode() in others] == []


def test_realtime_holds_no_secret_of_the_api() -> None:
    """Realtime gets the token keys and Redis's password, and neither SQL's, Django's, nor the server API's keys."""
    variables = env(one(render(), "Deployment", "tandem-realtime")["spec"]["template"]["spec"]["containers"][0])

    assert {name for name, source in variables.items() if isinstance(source, dict)} == {
        "REDIS_PASSWORD",
        "TANDEM_TOKEN_KEYS",
    }
