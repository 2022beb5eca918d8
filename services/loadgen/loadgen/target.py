"""Which server is under load, and in which of two dialects a client talks to it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from . import frames, messages


@dataclass(frozen=True)
class Target:
    """
    A server by URL.

    `centrifuge`, the default dialect, subscribes by protocol commands. A URL with `{channel}` in it is a server that
    subscribes by path (stock Channels, the floor): open is subscribed, and publications are counted by their numbers.
    """

    url: str
    token: str = ""
    origin: str = ""

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

    def opening(self, channel: str) -> bytes:
        """Return the handshake of a client that wants *channel*."""
        parts = urlsplit(self.url.replace("{channel}", channel))
        path = parts.path or "/"
        return frames.handshake(parts.netloc, f"{path}?{parts.query}" if parts.query else path, origin=self.origin)

    def connecting(self) -> bytes:
        """Return the frame with the connect command."""
        return frames.client_frame(messages.connect(self.token))

    def subscribing(self, channel: str, epoch: str | None, offset: int) -> bytes:
        """Return the frame with the subscribe command, from a position when *epoch* is given."""
        return frames.client_frame(messages.subscribe(channel, epoch=epoch, offset=offset))
