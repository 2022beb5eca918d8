"""Docker compose's edge follows the services when they come back under their names at other addresses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
import yaml

from rig.names import NameServer
from rig.servers import SERVICES, Server, find_program, free_port, wait_until

OLD, NEW = "127.0.0.2", "127.0.0.3"
PATHS = ["/ws/poll/", "/counter/"]  # one of realtime's, one of the api's
SECONDS = 10


class Here(BaseHTTPRequestHandler):
    """Answer every request with the address that was asked."""

    def do_GET(self) -> None:
        """Answer."""
        text = self.connection.getsockname()[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Leave no line."""


class Container:
    """What answers at one address, for both services."""

    def __init__(self, address: str, port: int) -> None:
        self._server = ThreadingHTTPServer((address, port), Here)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Be gone, and the address with it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def names() -> Iterator[NameServer]:
    """What Docker's own name server would say."""
    with NameServer(OLD) as names:
        yield names


def edge(folder: Path, port: int, upstream: int, names: NameServer) -> Server:
    """Return compose's edge: its command, with folders, addresses and a name server of this machine."""
    find_program("envsubst")
    service = yaml.safe_load((SERVICES / "compose.yaml").read_text())["services"]["edge"]
    shell, option, script = service["command"]
    resolver = folder / "resolv.conf"
    resolver.write_text(f"search somewhere\nnameserver 127.0.0.1:{names.port}\nnameserver 192.0.2.1\n")
    for theirs, ours in (  # /tmp first: folder and checkout may be below it
        ("/tmp", str(folder)),
        ("$$", "$"),
        ("/etc/tandem", str(SERVICES.parent / "ingress")),
        ("/etc/resolv.conf", str(resolver)),
        ("exec nginx", f"exec {find_program('nginx')}"),
        ("daemon off;", "daemon off; user root;" if os.getuid() == 0 else "daemon off;"),
    ):
        assert theirs in script
        script = script.replace(theirs, ours)
    # The one name that every machine knows when nginx starts; it asks for it again at our name server.
    addresses = {"API_ADDRESS": f"localhost:{upstream}", "REALTIME_ADDRESS": f"localhost:{upstream}"}
    environ = {"EDGE_LISTEN": f"127.0.0.1:{port}", **addresses}
    assert environ.keys() == service["environment"].keys()
    return Server([shell, option, script], port, env=environ, log=folder / "edge.log")


def test_edge_follows_a_container_to_another_address(names: NameServer, tmp_path: Path) -> None:
    """``docker compose up -d`` of one service alone makes a new container; the edge is not started again."""
    upstream, port = free_port(), free_port()
    with ExitStack() as running:
        old = Container(OLD, upstream)
        running.enter_context(edge(tmp_path, port, upstream, names))

        def answers() -> list[str]:
            return [httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10).text for path in PATHS]

        before = answers()
        old.close()
        new = Container(NEW, upstream)
        running.callback(new.close)
        names.address = NEW
        wait_until(lambda: answers() == [NEW, NEW], seconds=SECONDS, what="the edge at the new address")

    assert before == [OLD, OLD]
