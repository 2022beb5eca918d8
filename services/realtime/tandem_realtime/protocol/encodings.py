"""How one publication looks on each transport. The hub encodes it once per encoding, whatever the number of sockets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from tandem.publication import Publication
from tandem_realtime.protocol.replies import PING, push_plain, push_publication


class Encoding(NamedTuple):
    """
    What a connection speaks (`push`) and how its transport frames it (`wrap`). Two that are equal share their bytes.

    `event` takes the place of both where the frame depends on the publication.
    """

    push: Callable[[Publication], bytes]
    wrap: Callable[[bytes], bytes]
    ping: bytes
    event: Callable[[Publication], bytes] | None = None

    def encode(self, publication: Publication) -> bytes:
        """Return the bytes that carry *publication* to one connection."""
        if self.event is not None:
            return self.event(publication)
        return self.wrap(self.push(publication))


def line(text: bytes) -> bytes:
    """Frame for http_stream, and for ASGI servers without the socket extension: a line."""
    return text + b"\n"


def event_line(text: bytes) -> bytes:
    """Frame as one event of an event stream (HTML standard, section 9.2)."""
    return b"data: " + text + b"\n\n"


def plain_event(publication: Publication) -> bytes:
    """Encode an event whose id is the position, which EventSource sends back as Last-Event-ID."""
    event_id = f"id: {publication.epoch}:{publication.offset}\n".encode() if publication.offset else b""
    return event_id + event_line(push_plain(publication))


LINES = Encoding(push_publication, line, line(PING))
EVENTS = Encoding(push_publication, event_line, event_line(PING))
PLAIN_LINES = Encoding(push_plain, line, line(PING))
PLAIN_EVENTS = Encoding(push_plain, event_line, b":\n\n", plain_event)


@cache
def framed(frame: Callable[[bytes], bytes], *, plain: bool = False) -> Encoding:
    """Return the encoding of a WebSocket whose server frames text with *frame*."""
    return Encoding(push_plain if plain else push_publication, frame, frame(PING))
