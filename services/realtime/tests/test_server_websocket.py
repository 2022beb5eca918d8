"""The interface server and one WebSocket application, over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rig.servers import wait_until
from tests.server_process import InterfaceServer, RawClient, masked


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceServer]:
    """One server with short timeouts, for every test that leaves it as it was."""
    options = {"trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8"]}
    directory = tmp_path_factory.mktemp("server")
    with InterfaceServer(
        directory,
        options=options,
        handshake_seconds=1,
        close_seconds=1,
        application_close_seconds=1,
        drain_seconds=0,
    ) as running:
        yield running


async def closed(client: Any) -> tuple[int, str]:
    """Return the code and reason of the close frame that the server sends."""
    with pytest.raises(ConnectionClosed) as caught:
        await client.recv()
    frame = caught.value.rcvd
    return (frame.code, frame.reason) if frame else (1006, "")


@pytest.mark.parametrize("message", ["héllo", "", b"\x00\xff", b"", "x" * 65_536])
async def test_messages_arrive_whole_both_ways(server: InterfaceServer, message: str | bytes) -> None:
    """Text and binary messages of every length, empty ones too, reach the application and the client."""
    async with server.connect("/echo") as client:
        await client.send(message)

        assert await client.recv() == message


async def test_fragments_are_joined(server: InterfaceServer) -> None:
    """A message in fragments is one message."""
    async with server.connect("/echo") as client:
        await client.send(["a", "b", "c"])

        assert await client.recv() == "abc"


async def test_client_ping_is_answered(server: InterfaceServer) -> None:
    """A ping of RFC 6455 gets its pong."""
    async with server.connect("/echo") as client:
        latency = await (await client.ping(b"anyone?"))

        assert latency > 0


async def test_accept_takes_subprotocol_and_headers(server: InterfaceServer) -> None:
    """Subprotocol and headers of websocket.accept are in the handshake."""
    async with server.connect("/decorated", subprotocols=["a", "b"]) as client:
        assert client.subprotocol == "b"
        assert client.response is not None
        assert client.response.headers["x-pod"] == "seven"


async def test_close_before_accept_is_403(server: InterfaceServer) -> None:
    """An application that closes before it accepts refuses the handshake."""
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        await server.connect("/reject")


async def test_exception_before_accept_is_500(server: InterfaceServer) -> None:
    """An application that fails before it accepts refuses the handshake, and the log says why."""
    with pytest.raises(InvalidStatus, match="HTTP 500"):
        await server.connect("/crash_early")

    assert "RuntimeError: crashed before accept" in server.text


async def test_exception_after_accept_is_3004(server: InterfaceServer) -> None:
    """An application that fails ends its socket with 3004, and the log says why."""
    async with server.connect("/crash") as client:
        await client.send("go")

        assert await closed(client) == (3004, "internal server error")
    assert "RuntimeError: crashed after accept" in server.text


async def test_application_that_returns_ends_its_socket(server: InterfaceServer) -> None:
    """A socket is not left open without an application."""
    async with server.connect("/end") as client:
        assert await closed(client) == (1000, "")


async def test_application_closes_with_code_and_reason(server: InterfaceServer) -> None:
    """websocket.close carries its code and reason, and the application gets its disconnect."""
    async with server.connect("/close") as client:
        await client.send("4001")

        assert await closed(client) == (4001, "as you wish")
    assert 4001 in server.state()["disconnects"]


async def test_code_of_the_client_reaches_the_application(server: InterfaceServer) -> None:
    """The disconnect event has the code of the client's close frame."""
    client = await server.connect("/echo")
    await client.close(4321, "bye")

    assert 4321 in server.state()["disconnects"]


async def test_unanswered_handshake_times_out(server: InterfaceServer) -> None:
    """An application that neither accepts nor closes costs the client a 503, and the server a second."""
    with pytest.raises(InvalidStatus, match="HTTP 503"):
        await server.connect("/never")


def test_unsent_request_times_out(server: InterfaceServer) -> None:
    """A connection that does not finish its request is ended."""
    with RawClient(server.port) as client:
        client.send(client.request("/echo")[:-2])

        assert client.read_all().startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_request_in_pieces_is_read(server: InterfaceServer) -> None:
    """A request may arrive byte by byte."""
    with RawClient(server.port) as client:
        for byte in client.request("/echo"):
            client.send(bytes([byte]))

        assert client.read_head().startswith(b"HTTP/1.1 101 ")


def test_message_sent_with_the_request_waits_for_the_accept(server: InterfaceServer) -> None:
    """A client that does not wait for the handshake loses nothing."""
    with RawClient(server.port) as client:
        client.send(client.request("/echo") + masked(1, b"early"))
        client.read_head()

        assert client.read_frame() == (1, b"early")


def test_half_closed_peer_is_gone(server: InterfaceServer) -> None:
    """A client that ends its side without a close frame has left: 1006, and the connection is closed."""
    with RawClient(server.port) as client:
        client.open("/echo").socket.shutdown(1)

        assert client.read_all() == b""
    server.wait_for(connections=0)
    assert 1006 in server.state()["disconnects"]


def test_client_gone_before_the_accept_ends_the_application(server: InterfaceServer) -> None:
    """A client that leaves during the handshake is not waited for."""
    before = server.state()["applications"]
    with RawClient(server.port) as client:
        client.send(client.request("/never"))

    server.wait_for(connections=0, applications=before + 1)


def test_application_that_stays_is_cancelled(server: InterfaceServer) -> None:
    """An application that does not end after its disconnect is ended."""
    before = server.state()["applications"]
    with RawClient(server.port) as client:
        client.open("/stubborn")

    server.wait_for(connections=0, applications=before + 1)
    assert "took too long to end and was cancelled" in server.text


def test_client_that_does_not_answer_a_close_is_let_go(server: InterfaceServer) -> None:
    """The server does not wait forever for the client's close frame."""
    with RawClient(server.port) as client:
        client.open("/close").send(masked(1, b"4002"))

        assert client.read_close() == (4002, "as you wish")
        server.wait_for(connections=0)


@pytest.mark.parametrize("broken", ["Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 8", "bad header: x"])
def test_malformed_handshake_is_refused(server: InterfaceServer, broken: str) -> None:
    """A request to upgrade that RFC 6455 forbids gets a 400, and is counted."""
    before = server.state()["rejected"].get("malformed", 0)
    with RawClient(server.port) as client:
        client.send(client.request("/echo", broken))

        assert client.read_all().startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert server.state()["rejected"]["malformed"] == before + 1


async def test_scope_is_that_of_daphne(server: InterfaceServer) -> None:
    """Path, query, headers and the address that the proxy tells are in the scope; doubtful headers are not."""
    headers = {
        "X-Forwarded-For": "1.2.3.4, 203.0.113.9, 10.0.0.1",
        "X-Forwarded-Proto": "https",
        "X_Real": "x",
        "X-A": "é",
    }
    async with server.connect("/show_scope?a=%20", additional_headers=headers) as client:
        scope = json.loads(await client.recv())

    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/show_scope", "/show_scope", "a=%20")
    assert (scope["client"], scope["scheme"]) == (["203.0.113.9", 0], "wss")
    assert scope["server"] == ["127.0.0.1", server.port]
    names = [name for name, _ in scope["headers"]]
    assert "x_real" not in names
    assert "x-a" in names


async def test_application_is_not_flooded(server: InterfaceServer) -> None:
    """Messages that the application has not asked for wait in the network, and none is lost."""
    async with server.connect("/slow_to_read") as client:
        for number in range(500):
            await client.send(str(number))
        answers = [await client.recv() for _ in range(500)]

    assert answers == [str(number) for number in range(500)]


async def test_channels_consumer_works(tmp_path: Path) -> None:
    """A sync consumer behind AuthMiddlewareStack sees user, messages and disconnect as under Daphne."""
    with InterfaceServer(tmp_path, options={"consumer": True}, drain_seconds=0) as server:
        async with server.connect("/") as client:
            await client.send("hi")

            assert await client.recv() == "AnonymousUser hi"
        server.wait_for(disconnects=[1000])


async def test_old_sockets_are_asked_to_come_back(tmp_path: Path) -> None:
    """At the maximum age, give or take, a socket ends with 1012."""
    with InterfaceServer(tmp_path, max_age_seconds=0.3, drain_seconds=0) as server:
        async with server.connect("/echo") as client:
            assert await asyncio.wait_for(closed(client), 20) == (1012, "service restart")


def test_unix_socket_is_served(tmp_path: Path) -> None:
    """A socket in the file system takes WebSockets as a TCP port does, with no address in the scope."""
    path = tmp_path / "server.sock"
    with InterfaceServer(tmp_path, options={"unix": [str(path)]}, drain_seconds=0) as server:
        with RawClient(server.port) as client:
            client.socket.close()
            wait_until(path.exists, what="the socket in the file system")
            client.socket = socket.socket(socket.AF_UNIX)
            client.socket.connect(str(path))
            client.open("/show_scope")

            assert json.loads(client.read_frame()[1])["client"] is None
