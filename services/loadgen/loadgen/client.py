"""One simulated subscriber: its socket and how far it has come."""

from __future__ import annotations

import enum
import socket
from types import ModuleType

from . import messages
from .deliveries import Record


class State(enum.IntEnum):
    """How far a client has come."""

    CLOSED = 0
    CONNECTING = 1  # TCP
    OPENING = 2  # the handshake is sent
    JOINING = 3  # the connect command is sent
    SUBSCRIBING = 4
    LIVE = 5


class Client:
    """A subscriber of one channel. The `Swarm` moves it; its `record` outlives its sockets."""

    __slots__ = ("channel", "channel_index", "index", "opened_at", "pending", "record", "sock", "speech", "state")

    def __init__(self, index: int, channel: str, channel_index: int = 0) -> None:
        self.index = index
        self.channel = channel
        self.channel_index = channel_index
        self.record = Record()
        self.state = State.CLOSED
        self.sock: socket.socket | None = None
        self.pending = b""
        self.opened_at = 0
        self.speech: ModuleType = messages

    def shut(self, *, abort: bool = False) -> None:
        """Close the socket without a close frame; with *abort* by a TCP reset."""
        if self.sock is not None:
            if abort:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.sock.close()
        self.sock = None
        self.pending = b""
        self.state = State.CLOSED
