"""The swarm against a server of the protocol that misbehaves on purpose (on real sockets)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from loadgen import frames, messages
from loadgen.client import Client, State
from loadgen.crowd import Crowd
from loadgen.swarm import Swarm
from loadgen.target import Target
from tandem.publication import Publication
from tandem_realtime.protocol import results
from tandem_realtime.protocol.dialects import protobuf

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
Script = Callable[[socket.socket], None]


class ScriptedServer:
    """Answers one connection after the other by the scripts it was given."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/ws/"
        self.received: list[bytes] = []

    def play(self, *scripts: Script) -> None:
        """Accept a connection for each script, in a thread."""

        def serve() -> None:
            for script in scripts:
                peer, _ = self.listener.accept()
                with peer:
                    peer.settimeout(5)
                    script(peer)

        threading.Thread(target=serve, daemon=True).start()

    def read(self, peer: socket.socket) -> bytes:
        """Read what the client sends, up to 64 KiB."""
        data = peer.recv(65536)
        self.received.append(data)
        return data

    def admit(self, peer: socket.socket, reply: bytes, *, connected: bytes = b"") -> None:
        """Take handshake, connect and subscribe; answer the last with *reply*."""
        self.read(peer)
        peer.sendall(ACCEPTED)
        self.read(peer)
        opcode = frames.BINARY if connected else frames.TEXT
        peer.sendall(frames.server_frame(connected or b'{"id":1,"connect":{"client":"c","ping":25}}', opcode))
        self.read(peer)
        peer.sendall(frames.server_frame(reply, opcode))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A server that does what a test says."""
    scripted = ScriptedServer()
    yield scripted
    scripted.listener.close()


def swarm_of_one(server: ScriptedServer, *, dialect: str = "json") -> tuple[Swarm, Crowd, Client]:
    """Return a swarm with one client of the channel `a`."""
    swarm = Swarm(Target(server.url, dialect=dialect))
    client = Client(0, "a")
    return swarm, Crowd(swarm, [client], wave=1), client


def push(number: int, offset: int) -> bytes:
    """Return the frame of a publication stamped long ago."""
    return frames.server_frame(messages.push("a", messages.body(messages.MONOTONIC_BASE, number, 128), offset))


def test_publications_pings_and_pieces(server: ScriptedServer) -> None:
    """Frames in pieces, several lines in one frame, pings in between: all are counted, pings answered."""
    stream = push(0, 4) + frames.server_frame(messages.PING) + push(1, 5) + push(2, 6)
    two_lines = push(3, 7)[4:] + b"\n" + push(4, 8)[4:]

    def script(peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.admit(peer, b'{"id":2,"subscribe":{"recoverable":true,"epoch":"e","offset":3}}')
        for start in range(0, len(stream), 50):
            peer.sendall(stream[start : start + 50])
        peer.sendall(frames.server_frame(two_lines))
        server.read(peer)

    server.play(script)
    swarm, crowd, client = swarm_of_one(server)
    crowd.gather(seconds=5)
    swarm.run(seconds=5, until=lambda: swarm.received == 5)
    swarm.run(seconds=5, until=lambda: len(server.received) == 4)
    swarm.close()

    assert (swarm.received, client.record.offset, client.record.missing) == (5, 8, 0)
    assert server.received[1:] == [
        frames.client_frame(b'{"id":1,"connect":{}}'),
        frames.client_frame(b'{"id":2,"subscribe":{"channel":"a"}}'),
        frames.client_frame(messages.PING),
    ]


def test_protobuf_client_reads_what_it_is_sent(server: ScriptedServer) -> None:
    """Publications one at a time and together, and pings, in binary frames."""

    def script(peer: socket.socket) -> None:
        reply = results.SubscribeResult(recoverable=True, epoch="e")
        server.admit(peer, protobuf.encode_reply(2, "subscribe", reply), connected=b"\x02\x2a\0")
        pushes = [
            protobuf.push_publication(Publication("a", messages.body(messages.MONOTONIC_BASE, number, 64), number + 1))
            for number in range(4)
        ]
        for payload in (pushes[0], pushes[1], pushes[2] + pushes[3], protobuf.PING):
            peer.sendall(frames.server_frame(payload, frames.BINARY))
        server.read(peer)

    server.play(script)
    swarm, crowd, client = swarm_of_one(server, dialect="protobuf")
    crowd.gather(seconds=5)
    swarm.run(seconds=5, until=lambda: len(server.received) == 4)
    swarm.close()

    assert (swarm.received, client.record.offset, client.record.missing) == (4, 4, 0)
    assert server.received[-1] == frames.client_frame(protobuf.PING, frames.BINARY)


def test_known_bytes_stay_what_they_are(server: ScriptedServer) -> None:
    """The same bytes mean the same publication again, whatever came in between."""
    arrived = [threading.Event() for _ in range(3)]

    def script(peer: socket.socket) -> None:
        server.admit(peer, b'{"id":2,"subscribe":{"recoverable":true,"epoch":"e","offset":0}}')
        for data, event in zip((push(0, 1), push(1, 2) + push(2, 3), push(0, 1)), arrived, strict=True):
            peer.sendall(data)
            event.wait(5)

    server.play(script)
    swarm, crowd, client = swarm_of_one(server)
    crowd.gather(seconds=5)
    for wanted, event in zip((1, 3, 4), arrived, strict=True):
        swarm.run(seconds=5, until=lambda wanted=wanted: swarm.received >= wanted)  # type: ignore[misc]
        event.set()
    swarm.close()

    assert (client.record.received, client.record.steps_back, client.record.repeats) == (4, 1, 0)


def test_comes_back_from_its_position(server: ScriptedServer) -> None:
    """Cut off, a client comes back and asks for what it missed; the recovered publications enter its record."""
    recovered = b'{"id":2,"subscribe":{"epoch":"e","offset":2,"recovered":true,"publications":[{"data":1,"offset":2}]}}'

    def first(peer: socket.socket) -> None:
        server.admit(peer, b'{"id":2,"subscribe":{"epoch":"e","offset":0}}')
        peer.sendall(push(0, 1) + frames.server_frame(b"\x0b\xb9shutdown", frames.CLOSE))

    server.play(first, lambda peer: server.admit(peer, recovered))
    swarm, crowd, client = swarm_of_one(server)
    crowd.gather(seconds=5)
    swarm.run(seconds=5, until=lambda: client.record.recovered == 1)
    swarm.close()

    assert crowd.closes == {3001: 1}
    assert server.received[-1] == frames.client_frame(messages.subscribe("a", epoch="e", offset=1))
    assert (client.record.received, client.record.offset, client.record.missing) == (2, 2, 0)


def test_stays_away_when_told(server: ScriptedServer) -> None:
    """A code from 3500 on ends a client for good, and that counts as told."""

    def script(peer: socket.socket) -> None:
        server.admit(peer, b'{"id":2,"subscribe":{"epoch":"e","offset":0}}')
        peer.sendall(frames.server_frame(b"\x0d\xaf", frames.CLOSE))

    server.play(script)
    swarm, crowd, client = swarm_of_one(server)
    crowd.gather(seconds=5)
    swarm.run(seconds=5, until=lambda: bool(crowd.lost_for_good))
    swarm.close()

    assert (crowd.closes, client.record.told, client.state) == ({3503: 1}, 1, State.CLOSED)


def test_a_refused_handshake_is_counted_by_its_status(server: ScriptedServer) -> None:
    """An HTTP status instead of 101 is what the close is counted under, and the client tries again."""
    refused = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n"

    def refuse(peer: socket.socket) -> None:
        server.read(peer)
        peer.sendall(refused)

    server.play(refuse, lambda peer: server.admit(peer, b'{"id":2,"subscribe":{"epoch":"e","offset":0}}'))
    swarm, crowd, _ = swarm_of_one(server)
    crowd.gather(seconds=5)
    swarm.close()

    assert crowd.closes == {503: 1}


def test_an_error_reply_is_reported(server: ScriptedServer) -> None:
    """An error to subscribe is kept for the report."""

    def script(peer: socket.socket) -> None:
        server.admit(peer, b'{"id":2,"error":{"code":102,"message":"unknown channel"}}')

    server.play(script)
    swarm, crowd, _ = swarm_of_one(server)
    crowd.retries = False
    crowd.gather(seconds=0.3)
    swarm.close()

    assert swarm.errors == ['{"code": 102, "message": "unknown channel"}']
