"""How one publication looks on each transport. The hub encodes it once per encoding, whatever the number of sockets."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import NamedTuple

from tandem.publication import Publication
from tandem_realtime.protocol.dialects import Dialect, json, protobuf
from tandem_realtime.protocol.filters import FilterNode
from tandem_realtime.protocol.plain import push_plain
from tandem_realtime.protocol.results import LONG_BYTES

Frame = Callable[[bytes], bytes]


class Deltas(Enum):
    """Where a subscription that takes deltas stands: it gets the `FIRST` publication whole, the `NEXT` as deltas."""

    FIRST = "first"
    NEXT = "next"


class Encoding(NamedTuple):
    """
    What a connection speaks (`dialect`, `push`) and how its transport frames it (`wrap`).

    `event` takes the place of `push` and `wrap` where the frame depends on the publication, `beat` that of `ping` where
    it changes. `wanted` and `deltas` are a subscription's: which publications it wants (None: all), and whether it
    takes deltas. *head* is what a frame has before a message of so many bytes, where nothing comes behind it and the
    connection takes pieces. Subscriptions whose encodings are equal share their bytes.
    """

    dialect: Dialect
    push: Callable[[Publication], bytes]
    wrap: Frame
    ping: bytes
    event: Callable[[Publication], bytes] | None = None
    beat: Callable[[], bytes] | None = None
    wanted: FilterNode | None = None
    deltas: Deltas | None = None
    head: Callable[[int], bytes] | None = None

    def encode(self, publication: Publication) -> bytes:
        """Return the bytes that carry *publication* to one connection."""
        if self.event is not None:
            return self.event(publication)
        return self.wrap(self.push(publication))

    def whole(self, publication: Publication) -> list[bytes]:
        """Return the same in pieces, and never as a delta; data that is long is one of them, and not copied."""
        if self.deltas is not None:
            return [self.wrap(self.dialect.push_whole(publication))]
        if self.head is None or len(publication.data) < LONG_BYTES:
            return [self.wrap(self.push(publication))]
        return self.framed(self.dialect.push_pieces(publication))

    def framed(self, message: list[bytes]) -> list[bytes]:
        """Frame a message in pieces."""
        if self.head is None:
            return [self.wrap(b"".join(message))]
        return [self.head(sum(map(len, message))), *message]


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


@cache
def spoken(dialect: Dialect, wrap: Frame, head: Callable[[int], bytes] | None = None) -> Encoding:
    """Return the encoding of an SDK's connection that speaks *dialect*, whose transport frames messages with *wrap*."""
    return Encoding(dialect, dialect.push_publication, wrap, wrap(dialect.PING), head=head)


@cache
def plain(wrap: Frame) -> Encoding:
    """Return the encoding of a page without an SDK, whose transport frames texts with *wrap*."""
    return Encoding(json, push_plain, wrap, wrap(json.PING))


EVENTS = spoken(json, event_line)
LINES = spoken(json, line)
MESSAGES = spoken(protobuf, bytes)
"""Protobuf where nothing has to be framed: each message has its length."""
PLAIN_LINES = plain(line)
PLAIN_EVENTS = Encoding(json, push_plain, event_line, b":\n\n", plain_event)
