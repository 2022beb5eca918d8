"""Bodies that nobody wants, that are too long, or that never come: none of them is kept, or waited for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server_process import InterfaceServer, RawClient


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceServer]:
    """One server whose messages have a thousand bytes, and whose clients have a second."""
    limits = {"max_message_bytes": 1000, "max_body_bytes": 100_000, "handshake_seconds": 1, "drain_seconds": 0}
    with InterfaceServer(tmp_path_factory.mktemp("server"), **limits) as running:
        yield running


def head(path: str, *headers: str) -> bytes:
    """Return the head of a POST."""
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: test", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("path", "length"),
    [
        *((path, 1) for path in ("/ws", "/ws/", "/ws/nothing", "/ws/poll", "/ws/sse?x=1", "http://test/ws")),
        *(("/ws/http_stream", 4001), ("/ws/emulation/", 4001), ("/hello", 100_001)),
    ],
)
def test_unwanted_body_is_not_asked_for(server: InterfaceServer, path: str, length: int) -> None:
    """The length in the head is enough to say no, before a byte of the body came, and to who waits to continue."""
    for expect in ((), ("Expect: 100-continue",)):
        with RawClient(server.port) as client:
            client.send(head(path, f"Content-Length: {length}", *expect))

            assert client.read_all().startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws/poll/", "/ws/http_stream", "/ws/emulation", "/hello"])
def test_endless_body_ends(server: InterfaceServer, path: str) -> None:
    """What has no length is cut where it is too long, however long it goes on."""
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    with RawClient(server.port) as client:
        client.send(head(path, "Transfer-Encoding: chunked"))
        sent = 0
        with suppress(OSError):
            while sent < 50_000_000:
                client.send(chunk)
                sent += len(chunk)

    assert sent < 20_000_000  # what the kernel had room for
    assert server.state()["connections"] == 0


@pytest.mark.parametrize("path", ["/ws/http_stream", "/hello"])
def test_wanted_body_arrives(server: InterfaceServer, path: str) -> None:
    """Up to its limit."""
    with RawClient(server.port) as client:
        client.send(head(path, "Content-Length: 4000", "Connection: close") + b"x" * 4000)

        assert b"x" * 4000 in client.read_all()


@pytest.mark.parametrize(
    "start",
    [
        head("/ws/http_stream", "Content-Length: 4000"),
        head("/hello", "Content-Length: 90000"),
        head("/hello", "Transfer-Encoding: chunked"),
        head("/hello", "X: y")[:-2],
        b"POST /hel",
    ],
)
def test_dripped_request_has_a_deadline(server: InterfaceServer, start: bytes) -> None:
    """A byte now and then does not keep a connection: its head and its body have a second here."""
    started = time.monotonic()
    with RawClient(server.port) as client:
        client.send(start)
        client.socket.settimeout(0.1)
        ended = b""
        while time.monotonic() - started < 8 and not ended:
            try:
                client.send(b"1")
                ended = client.socket.recv(100) or b"ended"
            except TimeoutError:
                continue
            except OSError:
                ended = b"reset"

    assert ended[:13] in (b"HTTP/1.1 408 ", b"ended", b"reset")


def test_large_body_that_goes_on_has_its_time(server: InterfaceServer) -> None:
    """An upload over a slow line is no attack."""
    with RawClient(server.port) as client:
        client.send(head("/hello", "Content-Length: 80000", "Connection: close"))
        for _ in range(4):
            client.send(b"x" * 20_000)
            time.sleep(0.4)

        assert b"x" * 8000 in client.read_all()


def test_connection_serves_on_after_a_body(server: InterfaceServer) -> None:
    """The time of the next request does not run before it begins."""
    with RawClient(server.port) as client:
        client.send(head("/hello", "Content-Length: 3") + b"one")
        assert b" 200 " in client.read_head()
        time.sleep(1.3)
        client.send(head("/hello", "Content-Length: 3", "Connection: close") + b"two")

        assert b"two" in client.read_all()


def test_nothing_of_it_is_on_disk(server: InterfaceServer) -> None:
    """A body for the service itself is never a file, not even one without a name."""
    assert server.process is not None
    with RawClient(server.port) as client:
        client.send(head("/ws/http_stream", "Content-Length: 4000") + b"x" * 3000)
        server.wait_for(connections=1)
        files = []
        for each in Path(f"/proc/{server.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                files.append(str(each.readlink()))

    assert not [name for name in files if "deleted" in name]


@pytest.mark.parametrize(
    "request_",
    [
        head("/ws/http_stream", "Content-Length: 1000000000") + b"x" * 1000,
        head("/ws/http_stream", "Transfer-Encoding: chunked") + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 3,
        head("/hello", "Content-Length: 500") + b"x",
        head("/hello", "Content-Length: 1") + b"x",
    ],
)
def test_nothing_of_it_is_in_memory(server: InterfaceServer, request_: bytes) -> None:
    """Connection and request know each other; they are freed when the client leaves, without a search for cycles."""
    for _ in range(10):
        with RawClient(server.port) as client, suppress(OSError):
            client.send(request_)
            client.socket.settimeout(0.1)
            client.socket.recv(100)

    server.wait_for(channels=0)
