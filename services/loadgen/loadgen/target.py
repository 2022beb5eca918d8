"""Which server is under load, and how a client talks to it."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from urllib.parse import urlsplit

from . import binary, frames, messages, socketio

DIALECTS = {"json": (messages,), "protobuf": (binary,), "mixed": (messages, binary)}
"""What clients speak of the Centrifuge protocol: in the order of their numbers each of these in turn."""
_SPEECHES = DIALECTS | {"socketio": (socketio,)}


@dataclass(frozen=True)
class Target:
    """
    A server by URL.

    Clients subscribe by protocol commands, in one of the `DIALECTS`; the benchmark's also in Socket.IO's. A URL with
    `{channel}` in it is a server that subscribes by path (stock Channels, the floor): open is subscribed, and
    publications are counted by their numbers. With *by_connecting* the server subscribes who connects.
    """

    url: str
    token: str = ""
    origin: str = ""
    dialect: str = "json"
    by_connecting: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "ws" or not parts.hostname:
            raise ValueError(f"{self.url}: expected ws://host[:port]/path (no TLS: aim behind what ends it)")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    @property
    def by_path(self) -> bool:
        """Tell whether opening the URL is all it takes to be subscribed."""
        return "{channel}" in self.url

    @property
    def has_offsets(self) -> bool:
        """Tell whether publications come with their place in a stream; else they are counted by their numbers."""
        return not self.by_path and self.dialect in DIALECTS

    def speech(self, index: int) -> ModuleType:
        """Return the module whose messages client *index* sends and reads: `messages`, `binary` or `socketio`."""
        spoken = _SPEECHES[self.dialect]
        return spoken[index % len(spoken)]

    def opening(self, index: int, channel: str) -> bytes:
        """Return the handshake of client *index*, which wants *channel*."""
        parts = urlsplit(self.url.replace("{channel}", channel))
        path = parts.path or "/"
        return frames.handshake(
            parts.netloc,
            f"{path}?{parts.query}" if parts.query else path,
            origin=self.origin,
            subprotocol=self.speech(index).SUBPROTOCOL,
        )

    def connecting(self, index: int) -> bytes:
        """Return the frame with the connect command."""
        speech = self.speech(index)
        return frames.client_frame(speech.connect(self.token), speech.OPCODE)

    def subscribing(self, index: int, channel: str, epoch: str | None, offset: int) -> bytes:
        """Return the frame with the subscribe command, from a position when *epoch* is given."""
        speech = self.speech(index)
        return frames.client_frame(speech.subscribe(channel, epoch=epoch, offset=offset), speech.OPCODE)
