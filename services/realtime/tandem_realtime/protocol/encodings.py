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
    takes deltas. Subscriptions whose encodings are equal share their bytes.
    """

    dialect: Dialect
    push: Callable[[Publication], bytes]
    wrap: Frame
    ping: bytes
    event: Callable[[Publication], bytes] | None = None
    beat: Callable[[], bytes] | None = None
    wanted: FilterNode | None = None
    deltas: Deltas | None = None

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


@cache
def spoken(dialect: Dialect, wrap: Frame) -> Encoding:
    """Return the encoding of an SDK's connection that speaks *dialect*, whose transport frames messages with *wrap*."""
    return Encoding(dialect, dialect.push_publication, wrap, wrap(dialect.PING))


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
