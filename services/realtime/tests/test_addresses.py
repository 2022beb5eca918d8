"""Where the service listens and what it answers at paths that are nobody's."""

from __future__ import annotations

import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from rig.pair import Pair, Realtime
from rig.servers import wait_until
from tests.server_process import RawClient


@pytest.mark.parametrize("path", ["/ws/nothing/", "/ws/uni/x", "/ws//"])
def test_unknown_socket_path_is_404_and_no_traceback(pair: Pair, path: str) -> None:
    """Anybody can ask for one: that is no error of ours."""
    with RawClient(pair.here.port) as client:
        client.send(client.request(path))
        head = client.read_head()

    assert head.startswith(b"HTTP/1.1 404 Not Found")
    assert pair.here.log is not None
    assert "Traceback" not in pair.here.log.read_text()


@pytest.mark.parametrize("target", ["http://test/ws/", "HTTPS://test:443/ws/?x=1"])
def test_absolute_target_is_its_path(pair: Pair, target: str) -> None:
    """As proxies may send it (RFC 9112, section 3.2.2)."""
    with RawClient(pair.here.port) as client:
        client.send(client.request(target))

        assert b" 101 " in client.read_head()


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_listens_on_ipv6(redis_url: str, tmp_path: Path, host: str) -> None:
    """A cluster may have nothing else."""
    process = Realtime(redis_url, tmp_path, {"TANDEM_BIND_HOST": host})
    with process, socket.create_connection(("::1", process.port), 5) as connection:
        assert connection.getpeername()[0] == "::1"


def test_drain_ends_polls_and_streams_quietly(redis_url: str, tmp_path: Path) -> None:
    """Each has its answer, or its goodbye, and the log no traceback."""
    process = Realtime(redis_url, tmp_path, {"TANDEM_DRAIN_SECONDS": "0.3"})
    poll, page = "/ws/poll/?channel=public:x", "/ws/sse/?channel=public:x"
    with process, ExitStack() as stack:
        at = httpx.get(process.url + poll).json()
        sdk = "/ws/sse?cf_connect={%22id%22:1,%22connect%22:{}}"
        paths = [f"{poll}&since={at['epoch']}:{at['offset']}", page, sdk]
        clients = [stack.enter_context(RawClient(process.port)) for _ in paths]
        for client, path in zip(clients, paths, strict=True):
            client.send(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        wait_until(lambda: process.metric('tandem_connections{endpoint="/ws/poll/",transport="poll"}') == 1)
        for client in clients[1:]:
            client.read_head()
        process.signal(signal.SIGTERM)
        answers = [client.read_all() for client in clients]
        assert process.process is not None
        assert process.process.wait(10) == 0

    assert b'"publications":[]' in answers[0]
    assert b"event: disconnect" in answers[1]
    assert b'"disconnect":{"code":3001' in answers[2]
    assert "Traceback" not in (tmp_path / f"realtime-{process.port}.log").read_text()


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws/nothing", "/ws/uni/", "/", "/any", "http://test/ws/uni/x"])
def test_body_for_nobody_is_not_read(pair: Pair, path: str) -> None:
    """Nor is its path an error of ours."""
    with RawClient(pair.here.port) as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\n".encode())
        assert client.read_all().startswith(b"HTTP/1.1 413 ")
    with RawClient(pair.here.port) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
        assert client.read_all().startswith(b"HTTP/1.1 404 ")
    assert pair.here.log is not None
    assert "Traceback" not in pair.here.log.read_text()
