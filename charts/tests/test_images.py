"""The images, and the Deployments that run them: their user, their root, a socket through them, a drain, exit 0."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tools.helm import render
from tools.looking import one
from tools.podman import Pod, Podman
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from rig.servers import RedisServer, free_port, wait_until
from tandem import __version__

MEGABYTE = 1_000_000


@pytest.fixture(scope="session")
def images(podman: Podman) -> dict[str, str]:
    """Both images, built here."""
    return {service: podman.build(service) for service in ("api", "realtime")}


@pytest.mark.parametrize("service", ["api", "realtime"])
def test_image_is_small_and_bare(podman: Podman, images: dict[str, str], service: str) -> None:
    """An image adds less than 180 MB to its base; in it are no compiler, no pip, no cache, no test and no root."""
    image, base = podman.image(images[service]), podman.image(podman.base_image())
    unwanted = r"\( -name gcc -o -name cc1 -o -name pip -o -name tests -o -name .cache -o -name '*.sqlite3' \)"
    look = f"find /venv /root /usr/bin {unwanted} 2>/dev/null; find /venv -user 10001"
    found = podman.run("podman", "run", "--rm", "--network=host", images[service], "sh", "-c", look)

    assert image["Size"] - base["Size"] < 180 * MEGABYTE
    assert found == ""
    assert image["Config"]["User"] == "10001:10001"
    labels = {key.removeprefix("org.opencontainers.image.") for key in image["Config"]["Labels"]}
    assert {"title", "description", "source", "licenses", "version", "revision"} <= labels


def test_realtime_has_no_sql(podman: Podman, images: dict[str, str]) -> None:
    """Realtime's image holds neither a database driver nor the api's code."""
    look = "ls /venv/lib/python3*/site-packages | grep -xE 'psycopg.*|gunicorn|ninja|api|tandem.*' || true"

    assert podman.run("podman", "run", "--rm", "--network=host", images["realtime"], "sh", "-c", look).split() == [
        "tandem",
        "tandem_realtime",
    ]


@pytest.mark.parametrize("service", ["api", "realtime"])
def test_our_projects_are_installed(podman: Podman, images: dict[str, str], service: str) -> None:
    """Ours are distributions like all others: their versions are known, nothing is found by a path that is set."""
    names = {"api": ["tandem-api", "tandem-loadgen"], "realtime": []}[service]
    look = "import importlib.metadata as m, os, sys; print(os.environ.get('PYTHONPATH'), *map(m.version, sys.argv[1:]))"
    wanted = ["django-tandem", "django-tandem-realtime", *names]

    assert podman.run("podman", "run", "--rm", "--network=host", images[service], "python", "-c", look, *wanted) == (
        " ".join(["None", *[__version__] * len(wanted)])
    )


@dataclass
class Pair:
    """Both pods, and where they listen."""

    api: Pod
    realtime: Pod
    ports: dict[str, int]

    def get(self, port: str, path: str, method: str = "GET") -> Any:
        """Return what one of the ports answers, as text or JSON."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[port]}{path}", method=method)
        with urllib.request.urlopen(request, timeout=5) as response:
            text = response.read().decode()
            return json.loads(text) if "json" in response.headers["Content-Type"] else text

    def is_ready(self, port: str) -> bool:
        """Ask the question of the readiness probe."""
        try:
            return bool(self.get(port, "/readyz"))
        except OSError:
            return False


@pytest.fixture
def pair(podman: Podman, images: dict[str, str], redis_server: RedisServer, tmp_path: Path) -> Iterator[Pair]:
    """The Deployments as the chart renders them, with a real Redis, on this machine's network and on free ports."""
    ports = {name: free_port() for name in ("api", "api_metrics", "realtime", "private")}
    rendered = render(
        {
            "imagePullPolicy": "Never",
            "secrets": {"existingSecret": "own"},
            "redis": {"enabled": False, "external": {"existingSecret": "redis"}},
            "postgresql": {"enabled": False},
            "sqlite": {"enabled": True},
            "api": {
                "image": images["api"],
                "replicas": 1,
                "env": {"TANDEM_WEB_PORT": ports["api"], "TANDEM_METRICS_PORT": ports["api_metrics"]},
            },
            "realtime": {
                "image": images["realtime"],
                "drainSeconds": 2,
                "env": {"TANDEM_BIND_PORT": ports["realtime"], "TANDEM_PRIVATE_PORT": ports["private"]},
            },
        }
    )
    secrets = {
        "own": {key: key * 10 for key in ("django-secret-key", "token-keys", "api-keys")},
        "redis": {"urls": redis_server.url},
    }
    pods = {
        service: podman.play(one(rendered, "Deployment", f"tandem-{service}"), secrets, tmp_path)
        for service in ("api", "realtime")
    }
    running = Pair(pods["api"], pods["realtime"], ports)
    try:
        for port in ("api", "private"):
            wait_until(lambda port=port: running.is_ready(port), what=f"/readyz of {port}")
        yield running
    except BaseException:
        print("\n".join(line for pod in pods.values() for line in pod.logs()))
        raise
    finally:
        for pod in pods.values():
            pod.remove()
        shutil.rmtree(tmp_path, ignore_errors=True)


def confinement(process: int) -> dict[str, str]:
    """Return what the kernel says about who a process is and what it may do."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    status = {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
    root = next(
        line.split() for line in Path(f"/proc/{process}/mountinfo").read_text().splitlines() if line.split()[4] == "/"
    )
    return {key: status[key] for key in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")} | {
        "uid": status["Uid"].split()[0],
        "gid": status["Gid"].split()[0],
        "root": root[5].split(",")[0],
    }


def test_run_as_the_deployments_say(pair: Pair, redis_server: RedisServer) -> None:
    """What `helm test` does; a socket, an increment, its push; SIGTERM: 3001, exit 0. All of it confined."""
    expected = {
        "CapEff": "0" * 16,
        "CapBnd": "0" * 16,
        "NoNewPrivs": "1",
        "Seccomp": "2",
        "uid": "10001",
        "gid": "10001",
        "root": "ro",
    }
    for pod, container in ((pair.api, "api"), (pair.api, "outbox"), (pair.realtime, "realtime")):
        assert confinement(pod.process(container)) == expected, container

    at = {name: f"127.0.0.1:{port}" for name, port in pair.ports.items()}
    smoke = ["python", "-m", "tandem_realtime.smoke", f"--http=http://{at['api']}/", f"--ws=ws://{at['realtime']}/ws/"]
    confined = ["--network=host", "--read-only", "--cap-drop=all"]
    variables = [f"--env=TANDEM_REDIS_URLS={redis_server.url}", f"--env=TANDEM_TOKEN_KEYS={'token-keys' * 10}"]
    said = pair.api.podman.run("podman", "run", "--rm", *confined, *variables, "localhost/tandem-realtime:test", *smoke)

    assert said.splitlines()[-1] == "whole"

    with connect(f"ws://127.0.0.1:{pair.ports['realtime']}/ws/") as socket:
        socket.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"public:counter.demo"}}')
        replies = [json.loads(line) for _ in range(2) for line in str(socket.recv(timeout=5)).splitlines()]
        pair.get("api", "/api/counters/demo/increment/", "POST")
        pushed = json.loads(socket.recv(timeout=5))
        status = pair.realtime.terminate("realtime")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)

    assert [reply["id"] for reply in replies] == [1, 2]
    assert pushed["push"]["pub"]["data"]["value"] == 1
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3001, "shutdown")
    assert status == 0
    assert "tandem_http_requests_total" in pair.get("api_metrics", "/metrics")
    assert [pair.api.terminate(container) for container in ("api", "outbox")] == [0, 0]
