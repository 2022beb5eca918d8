"""HTTP through the interface server: Daphne's, with an end for streams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server_process import InterfaceServer, RawClient, masked


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceServer]:
    """One server with a small buffer."""
    directory = tmp_path_factory.mktemp("server")
    options = {"trusted_proxies": ["127.0.0.1"]}
    with InterfaceServer(
        directory, options=options, max_buffer_bytes=200_000, slow_seconds=0.3, close_seconds=1, drain_seconds=0
    ) as running:
        yield running


def test_get_and_post_are_answered(server: InterfaceServer) -> None:
    """Ordinary requests work, one after the other on a connection."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        answers = [client.get("/hello").text, client.post("/hello", content="x" * 100_000).text, client.get("/").text]

    assert [answer[:6] for answer in answers] == ["/hello", "xxxxxx", "/"]


def test_scope_names_the_client_of_a_trusted_proxy(server: InterfaceServer) -> None:
    """A request says what a socket does; where the application is mounted, no header says."""
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https", "Daphne-Root-Path": "/evil"}
    scope = httpx.get(f"http://127.0.0.1:{server.port}/scope", headers=headers).json()

    assert scope == {"client": ["203.0.113.9", 0], "scheme": "https", "root_path": ""}


def test_header_of_another_server_is_ignored(server: InterfaceServer) -> None:
    """Nobody makes an error of it, nor mounts us elsewhere."""
    with RawClient(server.port) as client:
        client.send(b"GET /scope HTTP/1.1\r\nHost: test\r\nDaphne-Root-Path: /\xff%2f\r\nConnection: close\r\n\r\n")

        assert b'"root_path": ""' in client.read_all()
    assert "Traceback" not in server.text.partition("RuntimeError: crashed")[0]


def test_absolute_target_is_its_path(server: InterfaceServer) -> None:
    """As proxies may send it (RFC 9112, section 3.2.2)."""
    with RawClient(server.port) as client:
        client.send(b"GET http://elsewhere/hello?x=1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")

        assert client.read_all().endswith(b"/hello\r\n0\r\n\r\n")


def test_exception_is_500(server: InterfaceServer) -> None:
    """An application that fails answers 500, and the log says why."""
    assert server.get("/crash").status_code == 500
    assert "RuntimeError: crashed" in server.text


def test_exception_in_the_middle_cuts_the_response(server: InterfaceServer) -> None:
    """A response that has begun cannot become a 500; the client must see that it is not whole."""
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        server.get("/crash-late")
    server.wait_for(connections=0)


def test_stream_flows(server: InterfaceServer) -> None:
    """Chunks are sent as they come, and a client that leaves ends the request."""
    with httpx.stream("GET", f"http://127.0.0.1:{server.port}/stream", timeout=5) as response:
        assert next(response.iter_text()) == "hello\n"
    server.wait_for(connections=1)  # this application does not ask for http.disconnect


def test_slow_stream_is_told_and_cut(server: InterfaceServer) -> None:
    """A stream whose client does not read is asked to end with 3008, and cut off when that does not help."""
    slow = server.state()["slow"]
    with RawClient(server.port, receive_buffer=4096) as client:
        client.send(b"GET /stream-flood HTTP/1.1\r\nHost: test\r\n\r\n")
        server.wait_for(slow=slow + 1)
        server.wait_for(buffered=0)

        assert server.state()["closed"]["3008"] == 1


def test_old_stream_is_asked_to_come_back(tmp_path: Path) -> None:
    """At the maximum age, give or take, a stream is told 3011 and ends in its own words."""
    with InterfaceServer(tmp_path, max_age_seconds=0.3, drain_seconds=0) as server:
        assert server.get("/stream").text == "hello\n(3011, 'force reconnect')\n"


def test_upgrade_on_a_used_connection(server: InterfaceServer) -> None:
    """A proxy may send an upgrade on a connection that has served requests before."""
    with RawClient(server.port) as client:
        client.send(b"GET /first HTTP/1.1\r\nHost: test\r\n\r\n")
        assert b" 200 " in client.read_head()
        while b"\r\n0\r\n\r\n" not in client.received:
            client._read()
        client.received = b""
        client.open("/echo").send(masked(1, b"late"))

        assert client.read_frame() == (1, b"late")


def test_garbage_is_refused(server: InterfaceServer) -> None:
    """What is not HTTP gets Daphne's 400."""
    with RawClient(server.port) as client:
        client.send(b"\x16\x03\x01\x00\xff\r\n\r\n")

        assert client.read_all().startswith(b"HTTP/1.1 400 Bad Request")


def test_endless_head_is_refused(server: InterfaceServer) -> None:
    """A head over the limit is not collected: Daphne's HTTP gets it, and hangs up."""
    with RawClient(server.port) as client:
        client.send(client.request("/echo", "X-Long: " + "x" * 40_000))

        assert client.read_all() == b""
