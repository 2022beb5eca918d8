"""What is written while a wire is corked goes out together, and in order with everything else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tandem_realtime.readers import AnyReaders, readers_of
from tandem_realtime.server.backlog import Backlog
from tandem_realtime.server.connections import Connections
from tandem_realtime.server.counters import Counters
from tandem_realtime.server.frames import pong_frame
from tandem_realtime.server.limits import Limits
from tandem_realtime.server.pieces import Pieces
from tandem_realtime.server.websocket import WebSocket
from tandem_realtime.server.wire import Wire
from tests.server_process import masked

LARGE = 4_000_000


class Ends(NamedTuple):
    """A wire, what its peer has, and by whom it is read."""

    wire: Wire
    peer: socket.socket
    readers: AnyReaders


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """A wire on which the peer sees where one write ends and the next begins."""
    near, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (near, peer):
        end.setblocking(False)
    loop = asyncio.get_running_loop()
    backlog = Backlog(loop, seconds=10, budget=2 * LARGE)
    readers = readers_of(loop)
    wire = Wire(loop, near, readers=readers, counters=Counters(), backlog=backlog, max_buffer=LARGE)
    yield Ends(wire, peer, readers)
    wire.release()
    peer.close()


async def test_corked_writes_are_one(ends: Ends) -> None:
    """In the order in which they were made; afterwards each goes out at once again."""
    ends.wire.cork()
    ends.wire.put(b"a")
    ends.wire.put_pieces(Pieces([b"b", b"c"]))
    ends.wire.cork()
    ends.wire.put(b"d")
    with pytest.raises(BlockingIOError):
        ends.peer.recv(100)
    ends.wire.uncork()
    ends.wire.put(b"e")

    assert [ends.peer.recv(100), ends.peer.recv(100)] == [b"abcd", b"e"]
    assert ends.wire.buffered == 0


async def test_answers_wait_for_the_others_to_be_read(ends: Ends) -> None:
    """And go out together, also where reading failed; a cork has nothing to do meanwhile."""

    def read() -> None:
        ends.wire.put(b"a")
        ends.wire.cork()
        ends.wire.put(b"b")
        ends.wire.uncork()
        with pytest.raises(BlockingIOError):
            ends.peer.recv(100)
        raise OSError("of another")

    with pytest.raises(OSError, match="of another"):
        ends.readers.together(read)
    ends.wire.put(b"c")

    assert [ends.peer.recv(100), ends.peer.recv(100)] == [b"ab", b"c"]


async def test_what_must_not_wait_comes_behind_what_did(ends: Ends) -> None:
    """Pieces, and much that is not worth a copy; then the end."""

    def read() -> None:
        ends.wire.put(b"a")
        ends.wire.put_pieces(Pieces([b"b", b"c"]))
        ends.wire.put(b"d" * 30_000)
        ends.wire.put(b"d" * 3_000)
        ends.wire.put(b"e")
        ends.wire.end()

    ends.readers.together(read)

    assert [ends.peer.recv(50_000) for _ in range(5)] == [b"a", b"bc", b"d" * 33_000, b"e", b""]


async def test_nothing_is_sent_of_who_was_let_go(ends: Ends) -> None:
    """The peer has the end, and whoever reads others goes on."""

    def read() -> None:
        ends.wire.put(b"a")
        ends.wire.release()

    ends.readers.together(read)

    assert ends.peer.recv(100) == b""


async def test_cork_of_nothing(ends: Ends) -> None:
    """Costs nothing, and the end that was told meanwhile comes."""
    ends.wire.cork()
    ends.wire.end()
    ends.wire.uncork()

    assert ends.peer.recv(100) == b""


async def test_end_waits_for_what_was_corked(ends: Ends) -> None:
    """As for anything that was put before."""
    ends.wire.cork()
    ends.wire.put(b"last")
    ends.wire.end()
    ends.wire.uncork()

    assert [ends.peer.recv(100), ends.peer.recv(100)] == [b"last", b""]


async def test_what_was_corked_can_be_forgotten(ends: Ends) -> None:
    """The peer has seen nothing of it."""
    ends.wire.cork()
    ends.wire.put(b"too late")
    ends.wire.forget_unsent()
    ends.wire.put(b"the end")
    ends.wire.uncork()

    assert ends.peer.recv(100) == b"the end"


async def test_more_than_the_kernel_takes() -> None:
    """The rest follows when there is room, and what is put meanwhile follows it."""
    near, peer = socket.socketpair()
    near.setblocking(False)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    backlog = Backlog(loop, seconds=10, budget=2 * LARGE)
    wire = Wire(loop, near, readers=readers_of(loop), counters=Counters(), backlog=backlog, max_buffer=LARGE)
    wire.cork()
    wire.put(b"x")
    wire.put(bytes(LARGE))
    wire.uncork()
    wire.put(b"y")
    received = b""
    async with asyncio.timeout(10):
        while not received.endswith(b"y"):
            received += await loop.sock_recv(peer, 1_000_000)
    wire.release()
    peer.close()

    assert received == b"x" + bytes(LARGE) + b"y"


async def test_frames_that_come_together_are_answered_together() -> None:
    """In one write."""
    near, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    near.setblocking(False)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()

    def accept(scope: dict[str, Any], opened: WebSocket) -> None:
        opened.accept(None)

    websocket = WebSocket(Connections(nobody, loop, limits=Limits(), lines={"/": accept}), near)
    websocket.start_reading()
    websocket.start({"path": "/"}, b"", early=b"")
    await loop.sock_recv(peer, 1000)  # the handshake's answer
    await loop.sock_sendall(peer, b"".join(masked(9, text) for text in (b"a", b"b", b"c", b"d")))
    async with asyncio.timeout(10):
        answers = await loop.sock_recv(peer, 1000)
    websocket.release()
    peer.close()

    assert answers == b"".join(map(pong_frame, (b"a", b"b", b"c", b"d")))


async def nobody(scope: object, receive: object, send: object) -> None:
    """Serve nothing: the line does."""
