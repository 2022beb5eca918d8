"""Frames that carry no command are answered, and read no faster than they are worth."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig.pair import Realtime
from rig.servers import RedisServer, wait_until
from tandem_realtime.ration import BURST, FLOOD_SECONDS, RATE
from tandem_realtime.server.websocket import _MAX_WAITING_MESSAGES
from tests.server_process import InterfaceServer, RawClient, masked

TOO_MANY = BURST + 200
SECONDS = 200 / RATE
PING, FRAGMENT, PONG = masked(9, b"?"), masked(0, b"", fin=False), masked(10, b"")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceServer]:
    """One server with the tests' applications."""
    with InterfaceServer(tmp_path_factory.mktemp("server"), drain_seconds=0) as running:
        yield running


@pytest.fixture(scope="module")
def process(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realtime]:
    """One process of the service."""
    with Realtime(redis_server.url, tmp_path_factory.mktemp("realtime"), {}) as running:
        wait_until(running.is_ready, what="ready")
        yield running


@pytest.mark.parametrize(
    "frames",
    [PING * TOO_MANY, PONG * TOO_MANY, masked(1, b"", fin=False) + FRAGMENT * TOO_MANY + masked(0, b"")],
    ids=["pings", "pongs", "fragments"],
)
def test_flood_of_small_frames_waits_and_the_rest_of_the_server_does_not(
    server: InterfaceServer, frames: bytes
) -> None:
    """The socket stays open, and what comes behind them is answered in the end."""
    with RawClient(server.port) as flooding, RawClient(server.port) as quiet:
        flooding.open("/echo")
        quiet.open("/echo")
        started = time.monotonic()
        flooding.send(frames + masked(1, b"behind"))
        with ThreadPoolExecutor(1) as others:
            flood_ended = others.submit(heard_at, flooding, (1, b"behind"))
            quiet.send(masked(1, b"hi"))
            answered_at = heard_at(quiet, (1, b"hi"))

        assert flood_ended.result() - started >= SECONDS * 0.9
        assert answered_at < flood_ended.result()


def test_segments_are_those_of_a_network(server: InterfaceServer) -> None:
    """Within one machine they have 64 KB, and with them grows what an edge sends ahead of what is read."""
    with RawClient(server.port) as client:
        assert client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= 1448


def heard_at(client: RawClient, frame: tuple[int, bytes]) -> float:
    """Read until *frame* comes, and return when that was."""
    while client.read_frame() != frame:
        pass
    return time.monotonic()


@pytest.mark.slow
@pytest.mark.parametrize(("path", "code"), [("/echo", 1008), ("/ws/", 3013)])
def test_flood_without_end_is_closed(process: Realtime, server: InterfaceServer, path: str, code: int) -> None:
    """A proxy may hold hours of it after its client has gone: nobody would see that it has."""
    with RawClient(process.port if path == "/ws/" else server.port) as client:
        client.open(path)
        client.socket.settimeout(2 * FLOOD_SECONDS)
        started = time.monotonic()
        client.send(masked(1, b'{"id":1,"connect":{}}') + PONG * int(BURST + RATE * (FLOOD_SECONDS + 10)))
        while (frame := client.read_frame())[0] != 8:
            pass

        assert int.from_bytes(frame[1][:2], "big") == code
        assert FLOOD_SECONDS * 0.9 <= time.monotonic() - started < FLOOD_SECONDS + 10


def test_pings_are_answered_no_faster_than_that(server: InterfaceServer) -> None:
    """A client that sends ten thousand gets as many pongs as it may have, not ten thousand."""
    with RawClient(server.port) as client:
        client.open("/echo")
        started, pongs = time.monotonic(), 0
        client.send(PING * 10_000)
        while pongs < BURST + RATE:
            pongs += client.read_frame()[0] == 10
        took = time.monotonic() - started

        assert took >= 0.9  # for those beyond the burst, however slow the machine


@pytest.mark.parametrize("path", ["/ws/", "/ws/uni/?channel=public:a"])
def test_blank_lines_are_no_commands(process: Realtime, path: str) -> None:
    """They are read at the pace of other frames that say nothing, and nobody is closed for them."""
    with RawClient(process.port) as client:
        client.open(path)
        started = time.monotonic()
        # Some of them wait for the application already when it sees that they are too many.
        client.send(masked(1, b"\n \n") * (TOO_MANY + 2 * _MAX_WAITING_MESSAGES))
        if path == "/ws/":
            client.send(masked(1, b'{"id":1,"connect":{}}'))
            assert client.read_frame()[1].startswith(b'{"id":1,"connect"')
        else:
            client.send(masked(9, b"?"))
            while client.read_frame()[0] != 10:
                pass

        assert time.monotonic() - started >= SECONDS * 0.9


def test_many_commands_in_one_frame_are_answered_in_order(process: Realtime) -> None:
    """Though others have their turn in between."""
    with RawClient(process.port) as client:
        client.open("/ws/")
        lines = [b'{"id":1,"connect":{}}', *(b'{"id":%d,"ping":{}}' % number for number in range(2, 102))]
        client.send(masked(1, b"\n".join(lines)))
        replies = [client.read_frame()[1] for _ in lines]

        assert [reply.split(b",")[0] for reply in replies] == [b'{"id":%d' % number for number in range(1, 102)]
