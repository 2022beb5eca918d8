"""
The floor of the benchmark: what the kernel and a loop in Python cost, and nothing else.

``python -m loadgen.floor PORT LINE_PORT`` answers WebSocket handshakes on PORT with a constant, and for each line of
JSON that arrives on LINE_PORT writes one prepared frame to every socket, one `send` each. No protocol, no Redis, no
limits: not a server.
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys

from . import frames, messages

_ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: C/0nmHhBztSRGR1CwL6Tf4ZjwpY=\r\n\r\n"
)


class Floor:
    """Sockets and one loop."""

    def __init__(self, port: int, line_port: int) -> None:
        self.poller = select.epoll()
        self.clients = _listen(port)
        self.lines = _listen(line_port)
        self.peers: dict[int, socket.socket] = {}
        self.sources: dict[int, socket.socket] = {}
        self.pending = b""
        self.offset = 0
        for listener in (self.clients, self.lines):
            self.poller.register(listener, select.EPOLLIN)

    def run(self) -> None:
        """Serve until the process is ended."""
        while True:
            for descriptor, _ in self.poller.poll():
                if descriptor == self.clients.fileno():
                    self._accept(self.clients, self.peers)
                elif descriptor == self.lines.fileno():
                    self._accept(self.lines, self.sources)
                elif descriptor in self.sources:
                    self._publish(descriptor)
                elif descriptor in self.peers:
                    self._answer(descriptor)

    def _accept(self, listener: socket.socket, kind: dict[int, socket.socket]) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                peer, _ = listener.accept()
                peer.setblocking(False)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                kind[peer.fileno()] = peer
                self.poller.register(peer, select.EPOLLIN)

    def _answer(self, descriptor: int) -> None:
        peer = self.peers[descriptor]
        try:
            data = peer.recv(65536)
        except OSError:
            data = b""
        if data.endswith(frames.HANDSHAKE_END):
            peer.send(_ACCEPT)
        elif not data:
            del self.peers[descriptor]
            peer.close()

    def _publish(self, descriptor: int) -> None:
        data = self.sources[descriptor].recv(65536)
        if not data:
            self.sources.pop(descriptor).close()
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            self.offset += 1
            frame = frames.server_frame(messages.push("public:loadgen", line, self.offset))
            for peer in self.peers.values():
                peer.send(frame)


def _listen(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    listener.setblocking(False)
    return listener


if __name__ == "__main__":
    Floor(int(sys.argv[1]), int(sys.argv[2])).run()
