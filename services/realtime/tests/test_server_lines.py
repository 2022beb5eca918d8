"""A line in place of an application: what it is told, and what comes of its failures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server_process import InterfaceServer, RawClient, masked


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceServer]:
    """The server, which has a line at /line."""
    with InterfaceServer(tmp_path_factory.mktemp("lines")) as running:
        yield running


def test_line_hears_messages_in_order(server: InterfaceServer) -> None:
    """The first with the handshake, then several at once, one in parts, and a ping between them."""
    with RawClient(server.port) as client:
        client.send(client.request("/line") + masked(1, b"early"))
        client.read_head()
        first = client.read_frame()
        client.send(masked(1, b"a") + masked(2, b"b") + masked(9, b"p"))
        client.send(masked(1, b"c", fin=False) + masked(0, b"d"))

        assert [first, *(client.read_frame() for _ in range(4))] == [
            (1, b"early"),
            (1, b"a"),
            (2, b"b"),
            (10, b"p"),
            (1, b"cd"),
        ]


def test_line_hears_of_the_end(server: InterfaceServer) -> None:
    """Once, with the code, and only then the connection counts as gone."""
    before = server.state()["disconnects"]
    with RawClient(server.port) as client:
        client.open("/line").send(masked(8, b"\x03\xe8"))

        assert client.read_close() == (1000, "")
    server.wait_for(connections=0)
    with RawClient(server.port) as client:
        client.open("/line")
    server.wait_for(connections=0)

    assert server.state()["disconnects"] == [*before, 1000, 1006]


def test_line_that_fails_is_3004(server: InterfaceServer) -> None:
    """The log says why, and the line hears of it as of any end."""
    before = server.state()["disconnects"]
    with RawClient(server.port) as client:
        client.open("/line").send(masked(1, b"crash"))

        assert client.read_close() == (3004, "internal server error")
    server.wait_for(connections=0)
    assert server.state()["disconnects"] == [*before, 3004]
    assert "RuntimeError: crashed in a line" in server.text


def test_failure_before_the_accept_is_500(server: InterfaceServer) -> None:
    """As with an application."""
    with RawClient(server.port) as client:
        client.send(client.request("/line?crash"))

        assert b" 500 " in client.read_head()
    assert "RuntimeError: crashed before a line" in server.text
    server.wait_for(connections=0)


def test_closed_in_place_of_a_line(server: InterfaceServer) -> None:
    """Accepted, and told why not; what came early is not read."""
    with RawClient(server.port) as client:
        client.send(client.request("/line?close") + masked(1, b"early"))
        client.read_head()

        assert client.read_close() == (4001, "not here")
    server.wait_for(connections=0)


def test_drain_tells_every_line(tmp_path: Path) -> None:
    """Before the process ends, each has heard that it is over."""
    with InterfaceServer(tmp_path, drain_seconds=0.2) as server:
        clients = [RawClient(server.port).open("/line") for _ in range(20)]
        assert server.process is not None
        server.process.terminate()
        codes = [client.read_close()[0] for client in clients]
        for client in clients:
            client.socket.close()
        assert server.process.wait(10) == 0

    assert codes == [1012] * 20
    assert server.text.splitlines()[-1] == '{"disconnects": %s, "applications": 0}' % ([1012] * 20)
