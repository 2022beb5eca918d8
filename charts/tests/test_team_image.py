"""A team's image, as the chart's README says, run by the chart: migrations, web, outbox; our realtime beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tools.helm import render
from tools.looking import of_kind, one
from tools.podman import Pod, Podman
from tools.team import write_team
from websockets.sync.client import ClientConnection, connect

from rig.postgres import PostgresServer
from rig.servers import RedisServer, free_port, wait_until

HOST = "shop.example"
PASSWORD = "a long one of hers"


@pytest.fixture(scope="module")
def image(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``startproject`` began, with settings that read the chart's variables, and the page's Dockerfile."""
    folder, wheels = write_team(tmp_path_factory.mktemp("team"))
    return podman.build_from(folder, "Dockerfile", "localhost/shop:test", f"{wheels}:/wheels:ro")


@dataclass
class Shop:
    """The running pods, and where they listen."""

    pods: dict[str, Pod]
    web: str
    sockets: str
    metrics: str

    def shell(self, code: str) -> str:
        """Run *code* in the team's project, in its web pod."""
        return self.pods["api"].execute("api", "python", "manage.py", "shell", "-c", code)


@pytest.fixture(scope="module")
def shop(
    podman: Podman, image: str, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The workloads as rendered, in the order in which a cluster lets them be ready."""
    scratch = tmp_path_factory.mktemp("pods")
    web, metrics, sockets, private = (free_port() for _ in range(4))
    rendered = render(
        {
            "imagePullPolicy": "Never",
            "secrets": {"existingSecret": "own"},
            "redis": {"enabled": False, "external": {"existingSecret": "redis"}},
            "postgresql": {"enabled": False, "external": {"existingSecret": "sql"}},
            "api": {
                "image": image,
                "manage": ["python", "manage.py"],
                "port": web,
                "metricsPort": metrics,
                "allowedHosts": [HOST],
                "replicas": 1,
            },
            "realtime": {
                "image": podman.build("realtime"),
                "env": {"TANDEM_BIND_PORT": sockets, "TANDEM_PRIVATE_PORT": private},
            },
        }
    )
    [migrate] = [job for name, job in of_kind(rendered, "Job").items() if "migrate" in name]
    deployments = {name: one(rendered, "Deployment", f"tandem-{name}") for name in ("realtime", "outbox", "api")}
    running: dict[str, Pod] = {}
    with PostgresServer() as sql:
        secrets = {
            "own": {key: key * 10 for key in ("django-secret-key", "token-keys", "api-keys")},
            "redis": {"urls": redis_server.url},
            "sql": {"url": sql.url},
        }
        try:
            for name, workload in {"migrate": migrate, **deployments}.items():
                running[name] = podman.play(workload, secrets, scratch)
            assert running["migrate"].wait("migrate") == 0
            for port in (web, private):
                wait_until(lambda port=port: is_ready(port), what=f"/readyz of {port}")
            at = "127.0.0.1"
            yield Shop(running, f"http://{at}:{web}", f"ws://{at}:{sockets}/ws/", f"http://{at}:{metrics}/metrics")
        except BaseException:
            print("\n".join(line for pod in running.values() for line in pod.logs()))
            raise
        finally:
            for pod in running.values():
                pod.remove()


def is_ready(port: int) -> bool:
    """Ask as the kubelet does: by an address, not by a name."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def test_the_image_says_what_runs(shop: Shop, podman: Podman, image: str) -> None:
    """The web container runs the image's own command, as the team's user-to-be: 10001, without a capability."""
    process = shop.pods["api"].process("api")
    arguments = Path(f"/proc/{process}/cmdline").read_text().split("\0")
    status = Path(f"/proc/{process}/status").read_text()

    assert podman.image(image)["Config"]["Cmd"] == ["gunicorn", "-c", "python:tandem.gunicorn", "mysite.wsgi"]
    assert [argument for argument in arguments if argument][-3:] == ["-c", "python:tandem.gunicorn", "mysite.wsgi"]
    assert re.search(r"^Uid:\s+10001\b", status, re.MULTILINE)
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)


def test_a_private_page_is_live(shop: Shop) -> None:
    """Login, page, tokens, a socket of our realtime: the team's change arrives; a stranger is not let in."""
    order = shop.shell(
        "from django.contrib.auth.models import User; from orders.models import Order; "
        f"user = User.objects.create_user('ada', password={PASSWORD!r}); "
        f"User.objects.create_user('ben', password={PASSWORD!r}); "
        "print(Order.objects.create(owner=user).pk)"
    ).split()[-1]
    with browser(shop, "ada") as ada, browser(shop, "ben") as ben, connect(shop.sockets) as socket:
        page = ada.get(f"/orders/{order}/")
        say(socket, connect={"token": token(ada, "token")})
        say(socket, subscribe={"channel": f"order:{order}", "token": token(ada, "subscription", f"order:{order}")})
        shipped = ada.post(f"/orders/{order}/ship/", headers={"X-CSRFToken": ada.cookies["csrftoken"]})
        push = json.loads(socket.recv(timeout=5))
        script = ada.get("/static/tandem/tandem.js")
        others = [ben.get(f"/orders/{order}/").status_code, asked(ben, "subscription", f"order:{order}").status_code]

    assert (page.status_code, shipped.status_code, script.status_code) == (200, 200, 200)
    assert push["push"]["pub"]["data"] == {"status": "shipped"}
    assert others == [403, 403]


def test_metrics_and_end(shop: Shop) -> None:
    """Requests are counted on the port of their own; SIGTERM ends web and outbox with 0."""
    assert "tandem_http_requests_total" in httpx.get(shop.metrics).text
    assert [shop.pods[name].terminate(name) for name in ("api", "outbox")] == [0, 0]


@contextmanager
def browser(shop: Shop, name: str) -> Iterator[httpx.Client]:
    """Give a browser that has filled in the login's form."""
    with httpx.Client(base_url=shop.web, headers={"Host": HOST}, timeout=20) as client:
        client.get("/accounts/login/")
        form = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        assert client.post("/accounts/login/", data=form).status_code == 302
        yield client


def asked(client: httpx.Client, kind: str, channel: str = "") -> httpx.Response:
    """Ask the package's view for a token."""
    headers = {"X-CSRFToken": client.cookies["csrftoken"]}
    return client.post(f"/realtime/{kind}/", json={"channel": channel} if channel else {}, headers=headers)


def token(client: httpx.Client, kind: str, channel: str = "") -> str:
    """Return the token that the view gives."""
    return str(asked(client, kind, channel).raise_for_status().json()["token"])


def say(socket: ClientConnection, **command: object) -> None:
    """Send one command and expect that it is granted."""
    socket.send(json.dumps({"id": 1, **command}))
    assert "error" not in json.loads(socket.recv(timeout=5))
