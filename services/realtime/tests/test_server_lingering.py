"""Who does not leave: counted with those who are here, or of a number of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from rig.servers import wait_until
from tests.server_process import InterfaceServer, RawClient, masked

LARGE_AND_LAST = b"GET /large HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
TOO_LARGE = b"POST /ws/http_stream HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\n"
BAD_HANDSHAKE = b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def held(server: InterfaceServer) -> int:
    """Return how many connections the process holds."""
    assert server.process is not None
    found = psutil.Process(server.process.pid).net_connections("tcp")
    return sum(each.status != psutil.CONN_LISTEN for each in found)


def say_goodbye(client: RawClient) -> None:
    """Send a close frame, and nothing more."""
    client.send(masked(8, b"\x03\xe8"))


def break_the_rules(client: RawClient) -> None:
    """Send what is no frame."""
    client.send(b"\xff\xff")


def hear_goodbye(client: RawClient) -> None:
    """Have the server begin, and say nothing to it."""
    client.send(masked(1, b"3001"))
    client.read_close()


@pytest.mark.parametrize(
    ("path", "begin_to_close"), [("/echo", say_goodbye), ("/echo", break_the_rules), ("/close", hear_goodbye)]
)
def test_a_socket_that_is_closing_has_its_place(
    tmp_path: Path, path: str, begin_to_close: Callable[[RawClient], None]
) -> None:
    """Until it has gone, whoever began to close; in the end it is cut."""
    with (
        InterfaceServer(tmp_path, max_connections=2, close_seconds=2.0, drain_seconds=0) as server,
        contextlib.ExitStack() as stack,
    ):
        for client in [stack.enter_context(RawClient(server.port)).open(path) for _ in range(2)]:
            begin_to_close(client)

        def knock() -> bytes:
            with RawClient(server.port) as another:
                another.send(another.request("/echo"))
                return another.read_head()

        assert b" 503 " in knock()
        wait_until(lambda: b" 101 " in knock(), seconds=10, what="a place")


@pytest.mark.parametrize("asked", [TOO_LARGE, BAD_HANDSHAKE, LARGE_AND_LAST])
def test_who_has_an_answer_and_stays_gives_way(tmp_path: Path, asked: bytes) -> None:
    """To the next of its kind, of which so many may stay; files run out for nobody."""
    with (
        InterfaceServer(tmp_path, max_lingering=10, max_idle=10, drain_seconds=0) as server,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(30):
            client = stack.enter_context(RawClient(server.port, receive_buffer=4096))
            client.send(asked)
            client.read_head()

        wait_until(lambda: held(server) == 10, seconds=1.5, what="the end of the oldest")


def test_nothing_is_left_of_who_was_cut(tmp_path: Path) -> None:
    """No clock keeps the connection, nor a search for cycles."""
    with (
        InterfaceServer(tmp_path, close_seconds=0.2, drain_seconds=0) as server,
        RawClient(server.port) as client,
    ):
        client.send(TOO_LARGE)
        client.read_all()

        server.wait_for(channels=0)
