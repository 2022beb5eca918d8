"""The rendered routes in real proxies: the chart's edge in nginx, and its Ingress as HAProxy would have it."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from tools.helm import render
from tools.looking import one
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from rig.servers import RedisServer, Server, find_program, free_port, wait_until

ROOT = Path(__file__).parents[2]

# Controllers cut what is silent for a minute; the server pings every 25 s; a socket is idle for 15 minutes. Here a
# minute is three seconds (the server's timer is exact to a second).
MINUTE_SECONDS = 3.0
CUT_SECONDS, PING_SECONDS = MINUTE_SECONDS, MINUTE_SECONDS * 25 / 60

TO_REALTIME = ["/ws", "/ws/", "/ws/x", "/ws/uni/?channel=public:a", "/ws?x=1"]
TO_API = ["/", "/wsx", "/wsx/ws", "/w", "/api/ws", "/counter/", "/WS", "/ws.js"]


class Named(BaseHTTPRequestHandler):
    """Answer every request with the server's name, or with what was forwarded."""

    def do_GET(self) -> None:
        """Answer."""
        name = self.server.name.encode()  # type: ignore[attr-defined]  # set by `named_server`
        if self.path == "/forwarded":
            name = f"{self.headers['X-Forwarded-Proto']} {self.headers['X-Forwarded-For']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(name)))
        self.end_headers()
        self.wfile.write(name)

    def do_POST(self) -> None:
        """Answer who has sent a whole request."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Leave no line."""


def named_server(stack: ExitStack, name: str, kind: type[HTTPServer] = ThreadingHTTPServer) -> str:
    """Start a server that answers with its name; return its address."""
    server = kind(("127.0.0.1", 0), Named)
    server.name = name  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return f"127.0.0.1:{server.server_port}"


def nginx(folder: Path, api: str, realtime: str, *, proxies: Sequence[str] = ()) -> Server:
    """Return the edge of the chart: its ConfigMap and its command, with addresses and folders of this machine."""
    rendered = render({"edge": {"trustedProxies": list(proxies)}})
    port = free_port()
    folder.mkdir()
    for name, text in one(rendered, "ConfigMap", "tandem-edge")["data"].items():
        for old, new in {
            "tandem-api:80": api,
            "tandem-realtime:80": realtime,
            "listen 8080": f"listen 127.0.0.1:{port}",
            " 1h;": f" {CUT_SECONDS:.0f}s;",
        }.items():
            text = text.replace(old, new)
        (folder / name).write_text(text)
    container = one(rendered, "Deployment", "tandem-edge")["spec"]["template"]["spec"]["containers"][0]
    command = [part.replace("/tmp", str(folder)).replace("/etc/tandem", str(folder)) for part in container["command"]]
    return Server(command, port, env={"PATH": "/usr/sbin:/usr/bin:/bin"}, log=folder / "log")


def haproxy(folder: Path, api: str, realtime: str) -> Server:
    """Return HAProxy with the paths of the rendered Ingress: Prefix is a match by path elements."""
    rules = one(render({"ingress": {"enabled": True}}), "Ingress", "tandem")["spec"]["rules"][0]["http"]["paths"]
    port = free_port()
    folder.mkdir()
    lines = [
        "global",
        "  maxconn 1000",
        "defaults",
        "  mode http",
        "  timeout connect 5s",
        "  timeout http-request 5s",  # the controller's default
        f"  timeout client {CUT_SECONDS:.0f}s",
        f"  timeout server {CUT_SECONDS:.0f}s",
        f"  timeout tunnel {CUT_SECONDS:.0f}s",
        "frontend edge",
        f"  bind 127.0.0.1:{port}",
    ]
    values = yaml.safe_load((ROOT / "ingress/haproxy/values.yaml").read_text())
    snippet = values["ingress"]["annotations"]["haproxy.org/backend-config-snippet"].splitlines()
    for rule in rules:
        path = rule["path"].rstrip("/")
        condition = f"{{ path {path} }} or {{ path_beg {path}/ }}" if path else "TRUE"
        lines.append(f"  use_backend {rule['backend']['service']['name']} if {condition}")
    for name, address in {"tandem-api": api, "tandem-realtime": realtime}.items():
        lines += [f"backend {name}", *snippet, f"  server one {address}"]
    (folder / "haproxy.cfg").write_text("\n".join(lines) + "\n")
    return Server([find_program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], port, log=folder / "log")


PROXIES = {"nginx": nginx, "haproxy": haproxy}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Both proxies before servers that say their names."""
    with ExitStack() as stack:
        api, realtime = named_server(stack, "api"), named_server(stack, "realtime")
        folder = tmp_path_factory.mktemp("proxies")
        servers = {name: stack.enter_context(make(folder / name, api, realtime)) for name, make in PROXIES.items()}
        yield {name: f"http://127.0.0.1:{server.port}" for name, server in servers.items()}


@pytest.mark.parametrize("proxy", PROXIES)
def test_routes_by_path_element(named: dict[str, str], proxy: str) -> None:
    """/ws and what is below it go to realtime; /wsx and everything else to the api."""

    def answered_by(path: str) -> str:
        with urllib.request.urlopen(named[proxy] + path, timeout=5) as response:
            return str(response.read().decode())

    assert {path: answered_by(path) for path in [*TO_REALTIME, *TO_API]} == {
        **dict.fromkeys(TO_REALTIME, "realtime"),
        **dict.fromkeys(TO_API, "api"),
    }


@pytest.mark.parametrize("proxy", PROXIES)
def test_half_a_request_reaches_nobody(tmp_path: Path, proxy: str) -> None:
    """Twenty of them do not stop an api that answers one request after the other."""
    with ExitStack() as stack:
        api = named_server(stack, "api", HTTPServer)
        edge = stack.enter_context(PROXIES[proxy](tmp_path / proxy, api, "127.0.0.1:9"))
        for _ in range(20):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", edge.port), 5))
            half.sendall(b"POST /counter/ HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nhalf")
        url = f"http://127.0.0.1:{edge.port}/counter/"
        with urllib.request.urlopen(url, data=b"whole", timeout=4) as response:
            assert response.read() == b"api"


def test_tls_that_ends_before_nginx(tmp_path: Path) -> None:
    """The word of a proxy that is named counts: who the client is, and that it came over TLS. Nobody else's does."""
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    found = {}
    with ExitStack() as stack:
        api = named_server(stack, "api")
        for name, proxies in {"named": ["127.0.0.0/8"], "unknown": ["10.0.0.0/8"]}.items():
            edge = stack.enter_context(nginx(tmp_path / name, api, "127.0.0.1:9", proxies=proxies))
            for headers in (told, {"X-Forwarded-Proto": "https"}):
                request = urllib.request.Request(f"http://127.0.0.1:{edge.port}/forwarded", headers=headers)
                with urllib.request.urlopen(request, timeout=5) as response:
                    found[name, len(headers)] = response.read().decode()

    assert found == {
        ("named", 2): "https 203.0.113.9, 203.0.113.9",
        ("named", 1): "http 127.0.0.1",
        ("unknown", 2): "http 203.0.113.9, 127.0.0.1",
        ("unknown", 1): "http 127.0.0.1",
    }


def test_logs_have_no_query(tmp_path: Path) -> None:
    """Not nginx's own lines either, when nobody answers: a query carries tickets and tokens."""
    paths = ["/ws/uni/?ticket=SECRET", "/ws/sse?cf_connect=SECRET", "/ws/?token=SECRET", "/nobody?ticket=SECRET"]
    with ExitStack() as stack:
        edge = stack.enter_context(nginx(tmp_path / "edge", named_server(stack, "api"), "127.0.0.1:9"))
        for path in paths:
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://127.0.0.1:{edge.port}{path}", timeout=5).close()
        log = tmp_path / "edge/log"  # written when the answer has gone
        wait_until(lambda: all(path.partition("?")[0] in log.read_text() for path in paths), what="a line of each")
        text = log.read_text()

    assert "SECRET" not in text


@pytest.fixture
def realtime(redis_server: RedisServer, tmp_path: Path) -> Iterator[str]:
    """The real service, which pings a minute's worth more often than every minute."""
    port, private = free_port(), free_port()
    environ = {
        "TANDEM_REDIS_URLS": redis_server.url,
        "TANDEM_TOKEN_KEYS": "test",
        "TANDEM_BIND_PORT": str(port),
        "TANDEM_PRIVATE_PORT": str(private),
        "TANDEM_PING_SECONDS": str(PING_SECONDS),
        "TANDEM_PONG_SECONDS": "1",
        "TANDEM_CONNECT_SECONDS": "60",
        "TANDEM_DRAIN_SECONDS": "0",
    }
    with Server([sys.executable, "-m", "tandem_realtime"], port, env=environ, log=tmp_path / "realtime.log"):
        yield f"127.0.0.1:{port}"


def seconds_open(url: str, most: float, *, connected: bool) -> float:
    """Return how long a socket that says nothing but pong stays open, *most* at most (unconnected: no ping)."""
    started = time.monotonic()
    with connect(url) as socket:
        if connected:
            socket.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"public:idle"}}')
        try:
            while (left := started + most - time.monotonic()) > 0:
                for line in str(socket.recv(timeout=left)).splitlines():
                    if json.loads(line) == {}:
                        socket.send("{}")
        except (TimeoutError, ConnectionClosed):
            pass
        return time.monotonic() - started


@pytest.mark.parametrize("minutes", [4, pytest.param(15, marks=pytest.mark.slow)])
def test_an_idle_socket_lives(realtime: str, tmp_path: Path, minutes: int) -> None:
    """Behind a proxy that cuts after a minute, an idle subscriber is still there after 15; one without pings is cut."""
    most = minutes * MINUTE_SECONDS
    found: dict[tuple[str, bool], float] = {}

    def measure(name: str, port: int, connected: bool) -> None:
        found[name, connected] = seconds_open(f"ws://127.0.0.1:{port}/ws/", most, connected=connected)

    with ExitStack() as stack:
        threads = []
        for name, make in PROXIES.items():
            server = stack.enter_context(make(tmp_path / name, "127.0.0.1:9", realtime))
            threads += [
                threading.Thread(target=measure, args=(name, server.port, connected)) for connected in (True, False)
            ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(most + 10)

    assert {key: seconds >= most for key, seconds in found.items()} == {
        (name, connected): connected for name in PROXIES for connected in (True, False)
    }, found
