"""What is written to a socket: in order, bounded, and not forever."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rig.servers import wait_until
from tandem_realtime.server.wire import Wire
from tests.server_process import InterfaceServer, RawClient, masked


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceServer]:
    """One server with a small buffer."""
    directory = tmp_path_factory.mktemp("server")
    with InterfaceServer(
        directory, max_buffer_bytes=200_000, slow_seconds=0.3, close_seconds=1, drain_seconds=0
    ) as running:
        yield running


def ask(client: RawClient, count: int, size: int) -> None:
    client.open("/mixed").send(masked(1, json.dumps([count, size]).encode()))


def test_all_ways_of_writing_keep_one_order(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Frames, in pieces or not, and messages of ASGI arrive in the order in which they were sent, after a spill too."""
    directory = tmp_path_factory.mktemp("server")
    with InterfaceServer(directory, max_buffer_bytes=100_000_000, slow_seconds=0.3, drain_seconds=0) as server:
        with RawClient(server.port, receive_buffer=4096) as client:
            ask(client, 2000, 5000)
            time.sleep(0.2)  # so that the kernel's buffers fill up before the first read
            numbers = [int(client.read_frame()[1].partition(b":")[0]) for _ in range(2000)]

            assert numbers == list(range(2000))
            assert client.read_frame() == (1, b"spilled: True")


def test_reader_that_is_too_slow_gets_3008(server: InterfaceServer) -> None:
    """Over the limit what waits is dropped; the client reads what was on its way, the rest of that frame, and 3008."""
    slow = server.state()["slow"]
    with RawClient(server.port, receive_buffer=4096) as client:
        client.open("/flood")
        wait_until(lambda: server.state()["slow"] == slow + 1, seconds=10, what="a slow reader")

        assert server.state()["buffered"] < 20_000
        assert server.state()["disconnects"][-1] == 3008
        assert client.read_close() == (3008, "slow")


def test_client_that_never_reads_is_dropped(server: InterfaceServer) -> None:
    """A slow client that does not read its 3008 either does not keep its socket."""
    with RawClient(server.port, receive_buffer=4096) as client:
        client.open("/flood")

        server.wait_for(connections=0)
        with pytest.raises(ConnectionError):
            client.read_all()


def test_client_that_never_reads_the_end_leaves_nothing_to_the_kernel(server: InterfaceServer) -> None:
    """Where the kernel has taken all, but not the client's, the last close is a reset: ours would ask for minutes."""
    with RawClient(server.port, receive_buffer=4096) as client:
        ask(client, 1, 12_000)
        client.send(masked(8, (3500).to_bytes(2, "big")))
        wait_until(lambda: server.state()["buffered"] == 0, seconds=10, what="nothing that waits in the process")

        server.wait_for(connections=0)
        with pytest.raises(ConnectionError):
            client.read_all()


def test_what_is_released_already_is_let_be() -> None:
    """A deadline may come for a connection that has just been lost."""
    ours, theirs = socket.socketpair()
    nothing: Any = None
    wire = Wire(nothing, ours, readers=nothing, counters=nothing, backlog=nothing, max_buffer=0)
    wire.release()
    wire.reset_unless_taken()
    theirs.close()

    assert ours.fileno() == -1


def test_one_large_message_is_not_slowness(server: InterfaceServer) -> None:
    """A message over the buffer's limit goes out to a client that reads."""
    with RawClient(server.port) as client:
        ask(client, 1, 5_000_000)

        assert len(client.read_frame()[1]) == 5_000_002


def test_others_are_undisturbed(server: InterfaceServer) -> None:
    """While one client does not read, another's echo does not wait for it."""
    with RawClient(server.port, receive_buffer=4096) as slow, RawClient(server.port) as quick:
        slow.open("/flood")
        quick.open("/echo")
        started = time.monotonic()
        for _ in range(20):
            quick.send(masked(1, b"hi"))
            assert quick.read_frame() == (1, b"hi")

        assert time.monotonic() - started < 8  # a machine four times as slow


def test_who_goes_on_sending_after_the_close_is_hardly_read(server: InterfaceServer) -> None:
    """What is on its way is, so that the close arrives; a flood has to wait, and ends with the time for the close."""
    with RawClient(server.port) as client:
        client.open("/close").send(masked(1, b"3500"))

        assert client.read_close() == (3500, "as you wish")

        client.socket.settimeout(0.5)
        with pytest.raises(OSError, match=r"timed out|reset|pipe"):
            client.send(masked(1, bytes(60_000)) * 1000)
        server.wait_for(connections=0)
