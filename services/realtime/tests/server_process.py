"""Start the interface server with the tests' application, and speak to it over raw sockets."""

from __future__ import annotations

import base64
import json
import socket
import struct
import sys
from pathlib import Path
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

from rig.servers import Server, free_port, wait_until

TESTS = Path(__file__).resolve().parent
KEY = base64.b64encode(b"0123456789abcdef").decode()


class InterfaceServer(Server):
    """The server in a process of its own; keyword arguments are limits, *options* go to `Server`."""

    def __init__(self, directory: Path, *, options: dict[str, Any] | None = None, **limits: Any) -> None:
        port = free_port()
        command = [sys.executable, str(TESTS / "server_apps.py"), str(port), json.dumps(limits)]
        log = directory / "server.log"
        environment: dict[str, str] = {}
        super().__init__([*command, json.dumps(options or {})], port, env=environment, log=log)

    def connect(self, path: str, **options: Any) -> connect:
        """Return the `websockets` client for *path*, to be awaited or used as a context manager."""
        return connect(f"ws://127.0.0.1:{self.port}{path}", compression=None, ping_interval=None, **options)

    def get(self, path: str, *, headers: dict[str, str] | None = None) -> httpx.Response:
        """Send one GET request."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10)

    def state(self) -> dict[str, Any]:
        """Return what the server counts."""
        state: dict[str, Any] = self.get("/state").json()
        return state

    def wait_for(self, **expected: Any) -> None:
        """Wait until the counts have these values."""
        wait_until(lambda: expected.items() <= self.state().items(), seconds=10, what=f"{expected} in the state")

    @property
    def text(self) -> str:
        """The log so far."""
        return self.log.read_text() if self.log else ""


class RawClient:
    """A WebSocket client that breaks every rule it is told to."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(10)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def request(self, path: str, *headers: str) -> bytes:
        """Return the head of an upgrade request."""
        lines = [f"GET {path} HTTP/1.1", "Host: test", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}", *headers, "", ""]
        return "\r\n".join(lines).encode()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def open(self, path: str, *headers: str) -> Self:
        """Go through the handshake."""
        self.send(self.request(path, *headers))
        assert b" 101 " in self.read_head()
        return self

    def read_head(self) -> bytes:
        """Return one response head."""
        while b"\r\n\r\n" not in self.received:
            self._read()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        return head

    def _read(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError
        self.received += data

    def read_all(self) -> bytes:
        """Return everything up to the end of the stream; a reset is an error."""
        try:
            while True:
                self._read()
        except EOFError:
            return self.received

    def read_frame(self) -> tuple[int, bytes]:
        """Return opcode and payload of one frame."""
        head = self._take(2)
        length = head[1]
        if length >= 126:
            length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
        return head[0] & 0x0F, self._take(length)

    def read_close(self) -> tuple[int, str]:
        """Read up to the close frame and return its code and reason."""
        opcode = 0
        while opcode != 8:
            opcode, payload = self.read_frame()
        return int.from_bytes(payload[:2], "big"), payload[2:].decode()

    def _take(self, size: int) -> bytes:
        while len(self.received) < size:
            self._read()
        data, self.received = self.received[:size], self.received[size:]
        return data


def masked(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, length: int | None = None) -> bytes:
    """Return a client's frame; *length* may lie."""
    length = len(payload) if length is None else length
    head = bytes([0x80 * fin | rsv << 4 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65_536:
        head += struct.pack("!BH", 0x80 | 126, length)
    else:
        head += struct.pack("!BQ", 0x80 | 127, length)
    return head + bytes(4) + payload


__all__ = ["ClientConnection", "InterfaceServer", "RawClient", "masked"]
