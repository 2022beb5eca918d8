"""Clients that break RFC 6455: the right code, and no reset that would lose it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server_process import InterfaceServer, RawClient, masked


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InterfaceServer]:
    """One server, which no test can hurt."""
    with InterfaceServer(tmp_path_factory.mktemp("server"), max_message_bytes=1000, drain_seconds=0) as running:
        yield running


BROKEN = {
    "unmasked": (b"\x81\x01x", 1002),
    "reserved opcode": (masked(3, b""), 1002),
    "reserved bit": (masked(1, b"x", rsv=4), 1002),
    "fragmented ping": (masked(9, b"", fin=False), 1002),
    "long ping": (masked(9, b"x" * 126), 1002),
    "lone continuation": (masked(0, b"x"), 1002),
    "message in a message": (masked(1, b"x", fin=False) + masked(1, b"y"), 1002),
    "close of one byte": (masked(8, b"x"), 1002),
    "forbidden close code": (masked(8, (1005).to_bytes(2, "big")), 1002),
    "bad text": (masked(1, b"\xff"), 1007),
    "bad text in a fragment": (masked(1, b"a", fin=False) + masked(0, b"\xff", fin=False), 1007),
    "bad text in a close reason": (masked(8, b"\x03\xe8\xff"), 1007),
    "too big": (masked(1, b"x" * 1001), 3501),
    "too big by its header": (masked(1, b"", length=2**40), 3501),
    "too big in fragments": (masked(2, b"x" * 600, fin=False) + masked(0, b"x" * 401), 3501),
}


@pytest.mark.parametrize("what", BROKEN)
def test_error_closes_with_its_code(server: InterfaceServer, what: str) -> None:
    """A broken rule ends the socket with the code of RFC 6455 (3501 for the size), and the stream ends in order."""
    data, code = BROKEN[what]
    with RawClient(server.port) as client:
        # What the server has not read when it closes would make the kernel send a reset.
        client.open("/echo").send(data + b"z" * 100_000)

        assert client.read_close()[0] == code
        assert client.read_all() == b""


def test_messages_before_the_error_are_delivered(server: InterfaceServer) -> None:
    """What came before the broken frame, in the same packet, still counts."""
    with RawClient(server.port) as client:
        client.open("/echo").send(masked(9, b"ping") + masked(1, b"good") + masked(3, b"bad"))

        assert client.read_frame() == (10, b"ping")
        assert client.read_close()[0] == 1002
    server.wait_for(connections=0)


def test_control_frame_fits_between_fragments_of_a_full_message(server: InterfaceServer) -> None:
    """The size limit is for messages; a ping in the middle of one does not count."""
    with RawClient(server.port) as client:
        client.open("/echo").send(masked(1, b"x" * 1000, fin=False) + masked(9, b"ping") + masked(0, b""))

        assert client.read_frame() == (10, b"ping")
        assert client.read_frame() == (1, b"x" * 1000)


def test_close_is_answered_with_the_same_code(server: InterfaceServer) -> None:
    """The closing handshake repeats the client's code, then the server ends the stream."""
    with RawClient(server.port) as client:
        client.open("/echo").send(masked(8, b"\x0f\xa1bye"))

        assert client.read_frame() == (8, b"\x0f\xa1bye")
        assert client.read_all() == b""


def test_close_without_a_code_is_1005(server: InterfaceServer) -> None:
    """An empty close frame gets an empty answer; the application sees 1005."""
    with RawClient(server.port) as client:
        client.open("/echo").send(masked(8, b""))

        assert client.read_frame() == (8, b"")
    server.wait_for(connections=0)
    assert server.state()["disconnects"][-1] == 1005


def test_oversize_code_is_a_setting(tmp_path: Path) -> None:
    """The code for a message too big can be that of RFC 6455."""
    limits: dict[str, Any] = {
        "max_message_bytes": 10,
        "oversize_code": 1009,
        "oversize_reason": "message too big",
        "drain_seconds": 0,
    }
    with InterfaceServer(tmp_path, **limits) as server, RawClient(server.port) as client:
        client.open("/echo").send(masked(1, b"x" * 200))

        assert client.read_close() == (1009, "message too big")
