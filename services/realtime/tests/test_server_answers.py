"""Answers over HTTP that nobody reads, and connections that stay when they have theirs: both are bounded."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from rig.servers import wait_until
from tests.server_process import InterfaceServer, RawClient

LARGE = b"GET /large HTTP/1.1\r\nHost: test\r\n\r\n"
SMALL = b"GET /small HTTP/1.1\r\nHost: test\r\n\r\n"
EMPTY = b"GET /empty HTTP/1.1\r\nHost: test\r\n\r\n"
SIZE = 4_000_000
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceServer]:
    """A server that can afford four of the large answers."""
    directory = tmp_path_factory.mktemp("server")
    with InterfaceServer(directory, max_backlog_bytes=4 * SIZE, slow_seconds=60, drain_seconds=0) as running:
        yield running


def is_ended(client: RawClient) -> bool:
    """Tell whether the server has hung up, without reading what it sent."""
    poller = select.poll()
    poller.register(client.socket, select.POLLRDHUP)
    return bool(poller.poll(0))


def ended(clients: Iterable[RawClient]) -> list[bool]:
    """Return for each whether the server has hung up."""
    return [is_ended(client) for client in clients]


def asked(server: InterfaceServer, stack: contextlib.ExitStack, question: bytes) -> RawClient:
    """Return a client that has asked, and does not read."""
    client = stack.enter_context(RawClient(server.port, receive_buffer=4096))
    client.send(question)
    return client


def has_answer(client: RawClient) -> bool:
    """Tell whether something has come."""
    return bool(select.select([client.socket], [], [], 0)[0])


def test_answers_that_nobody_reads_are_bounded_together(server: InterfaceServer) -> None:
    """The first who took none goes, whether it asked for one large answer or for many; who reads has all of it."""
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(30):
            clients.append(asked(server, stack, LARGE))
            wait_until(lambda: has_answer(clients[-1]), seconds=10, what="an answer")
        greedy = asked(server, stack, LARGE * 30)
        wait_until(lambda: is_ended(greedy), seconds=10, what="the end of who asked thirty times")
        wait_until(lambda: sum(ended(clients)) >= 26, seconds=10, what="the end of those who asked first")

        assert process.memory_info().rss - before < 10 * SIZE
        assert len(httpx.get(f"http://127.0.0.1:{server.port}/large", timeout=20).content) == SIZE
    server.wait_for(behind=0)


def test_answer_in_parts_waits_for_its_client(server: InterfaceServer) -> None:
    """What an application streams is not taken from it before there is room."""
    with RawClient(server.port, receive_buffer=65_536) as client:
        client.send(b"GET /parts/slow HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        wait_until(lambda: server.state()["written"].get("/parts/slow", 0) > 0, what="a part")
        time.sleep(0.3)  # a server that does not wait has written all of it
        assert server.state()["written"]["/parts/slow"] < SIZE

        assert client.read_all().count(b"x") == 5_000_000


@pytest.mark.parametrize("last", [b"", b"Connection: close\r\n"])
def test_what_an_answered_client_has_not_taken_is_told(server: InterfaceServer, last: bytes) -> None:
    """Though nothing is left to do for it; the kernels hold the rest."""
    with RawClient(server.port, receive_buffer=4096) as client:
        client.send(LARGE[:-2] + last + b"\r\n")
        wait_until(lambda: has_answer(client), what="an answer")
        server.wait_for(connections=0)

        assert SIZE // 4 < server.state()["buffered"] < SIZE
    server.wait_for(buffered=0)


def test_heads_that_nobody_takes_are_told(server: InterfaceServer) -> None:
    """Of answers without a body, and of many of them."""
    with RawClient(server.port, receive_buffer=4096) as client:
        client.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):  # in the end nobody reads what it asks, either
            client.send(EMPTY * 50_000)

        assert server.state()["buffered"] > 0
    server.wait_for(buffered=0)


def test_last_answer_that_nobody_takes_is_given_up(tmp_path: Path) -> None:
    """Also where the connection was to be closed after it."""
    question = LARGE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with (
        InterfaceServer(tmp_path, keep_alive_seconds=0.3, max_buffer_bytes=100 * MEGABYTE, drain_seconds=0) as server,
        contextlib.ExitStack() as stack,
    ):
        clients = [asked(server, stack, question), asked(server, stack, LARGE)]
        wait_until(lambda: all(ended(clients)), seconds=10, what="the end")
        server.wait_for(behind=0, idle=0)


def answered(server: InterfaceServer, stack: contextlib.ExitStack) -> RawClient:
    """Return a client that has its answer, and stays."""
    client = stack.enter_context(RawClient(server.port))
    client.send(SMALL)
    client.read_head()
    return client


def test_idle_connection_ends_after_a_while(tmp_path: Path) -> None:
    """One that goes on asking stays."""
    with (
        InterfaceServer(tmp_path, keep_alive_seconds=1.0, drain_seconds=0) as server,
        contextlib.ExitStack() as stack,
    ):
        asking, idle = answered(server, stack), answered(server, stack)

        def is_over() -> bool:
            asking.send(SMALL)
            asking.received = b""
            asking.read_head()
            return is_ended(idle)

        wait_until(is_over, seconds=10, what="the end of the idle one")
        assert not is_ended(asking)


def test_who_is_idle_for_longest_makes_room(tmp_path: Path) -> None:
    """There may be so many of them, and no more."""
    with InterfaceServer(tmp_path, max_idle=10, drain_seconds=0) as server, contextlib.ExitStack() as stack:
        clients = [answered(server, stack) for _ in range(30)]
        wait_until(lambda: sum(ended(clients)) >= 20, what="the end of the oldest")

        assert ended(clients) == [True] * 20 + [False] * 10


def test_idle_connections_count_for_their_address(tmp_path: Path) -> None:
    """Those that hang up are counted no more."""
    with InterfaceServer(tmp_path, max_per_address=5, drain_seconds=0) as server, contextlib.ExitStack() as stack:
        clients = [answered(server, stack) for _ in range(5)]
        assert server.get("/small").status_code == 429
        clients[0].send(SMALL)
        clients[0].received = b""
        assert b" 200 " in clients[0].read_head()
        for client in clients[:3]:
            client.socket.close()

        wait_until(lambda: server.get("/small").status_code == 200, what="room")


def test_idle_connections_make_room_in_the_process(tmp_path: Path) -> None:
    """They count as connections, and keep nobody out who wants something."""
    with InterfaceServer(tmp_path, max_connections=5, drain_seconds=0) as server, contextlib.ExitStack() as stack:
        clients = [answered(server, stack) for _ in range(8)]
        for _ in range(4):
            stack.enter_context(RawClient(server.port)).open("/echo")

        wait_until(lambda: sum(ended(clients)) >= 7, what="room")
        assert server.state()["rejected"] == {}


def test_proxys_connection_is_nobodys_between_two_requests(tmp_path: Path) -> None:
    """Its requests are of many."""
    options = {"trusted_proxies": ["127.0.0.1"]}
    with (
        InterfaceServer(tmp_path, options=options, max_per_address=2, drain_seconds=0) as server,
        contextlib.ExitStack() as stack,
    ):
        clients = [answered(server, stack) for _ in range(5)]

        assert server.get("/small").status_code == 200
        assert not any(ended(clients))
