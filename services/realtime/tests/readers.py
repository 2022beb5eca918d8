"""Clients of every kind at the place where the transport would be: in each dialect, whole, in deltas or filtered."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from tandem_realtime.protocol.dialects import json, protobuf
from tandem_realtime.protocol.dialects.protobuf import schema
from tandem_realtime.protocol.encodings import LINES, MESSAGES, Encoding
from tandem_realtime.runtime import Runtime
from tandem_realtime.session import Session
from tests.fossil_reader import apply
from tests.protobuf_frames import message


class Pub(msgspec.Struct):
    """A publication as a client reads it."""

    data: msgspec.Raw
    offset: int = 0
    delta: bool = False
    tags: dict[str, str] = {}


class Reader:
    """
    One client, which comes, hears and is cut off.

    `heard` is what its application got: offset and data, byte for byte.
    """

    def __init__(self, runtime: Runtime, channel: str, encoding: Encoding, **asked: Any) -> None:
        self.channel = channel
        self.heard: list[tuple[int, bytes]] = []
        self.told_lost = False
        self.unreadable: list[bytes] = []
        self.delta_count = 0
        self._runtime = runtime
        self._encoding = encoding
        self._asked = asked
        self._position: tuple[str, int] | None = None
        self._before = b""
        self._takes_deltas = False
        self._session: Session | None = None
        self._is_answered = asyncio.Event()

    @property
    def is_here(self) -> bool:
        """Tell whether the client is connected."""
        return self._session is not None

    async def come(self) -> None:
        """Connect and subscribe, from where it stood."""
        self._session = session = Session(self._runtime, self._encoding, self._read, lambda code, reason: None)
        request: dict[str, Any] = {"channel": self.channel, "recoverable": True, **self._asked}
        if self._position is not None:
            request.update(recover=True, epoch=self._position[0], offset=self._position[1])
        self._is_answered.clear()
        await session.receive(self._frame({"id": 1, "connect": {}}, {"id": 2, "subscribe": request}))
        await asyncio.wait_for(self._is_answered.wait(), 20)

    def cut(self) -> None:
        """Lose the connection."""
        if self._session is not None:
            self._session.connection_lost()
            self._session = None

    def _frame(self, *commands: dict[str, Any]) -> str | bytes:
        if self._encoding.dialect is json:
            return "\n".join(msgspec.json.encode(command).decode() for command in commands)
        frame = b""
        for command in commands:
            made = schema.Command()
            fill(made, command)
            frame += message(made.SerializeToString())
        return frame

    def _read(self, data: bytes) -> None:
        read = read_lines if self._encoding.dialect is json else read_messages
        for answer, pub in read(data):
            if answer is not None:
                self._take_answer(*answer)
            if pub is not None:
                self._take(pub)

    def _take_answer(self, epoch: str, offset: int, recovered: bool, delta: bool, pubs: list[Pub]) -> None:
        self._is_answered.set()
        self._takes_deltas = delta
        if self._position is not None and not recovered:
            self.told_lost = True
        if self._position is None or not recovered:
            self._position = epoch, offset
        for pub in pubs:
            self._take(pub)

    def _take(self, pub: Pub) -> None:
        data = bytes(pub.data)
        if self._takes_deltas and self._encoding.dialect is json:
            data = msgspec.json.decode(data, type=str).encode()
        if pub.delta:
            self.delta_count += 1
            data = apply(self._before, data)
        self._before = data
        assert self._position is not None
        self._position = self._position[0], pub.offset
        self.heard.append((pub.offset, data))


class Subscribed(msgspec.Struct):
    """An answer to subscribe."""

    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    delta: bool = False
    publications: list[Pub] = []


class Pushed(msgspec.Struct):
    """A push."""

    pub: Pub | None = None


class Line(msgspec.Struct):
    """A line."""

    subscribe: Subscribed | None = None
    push: Pushed | None = None


Answer = tuple[str, int, bool, bool, list[Pub]]


def read_lines(data: bytes) -> list[tuple[Answer | None, Pub | None]]:
    """Read what was written in JSON: answers to subscribe, and publications."""

    lines = [msgspec.json.decode(line, type=Line) for line in data.splitlines()]
    return [
        (
            None if line.subscribe is None else msgspec.structs.astuple(line.subscribe),
            None if line.push is None else line.push.pub,
        )
        for line in lines
    ]


def read_messages(data: bytes) -> list[tuple[Answer | None, Pub | None]]:
    """Read what was written in Protobuf."""
    read: list[tuple[Answer | None, Pub | None]] = []
    for body in protobuf.decoding._split(data):
        reply = schema.Reply.FromString(body)
        if reply.HasField("subscribe"):
            told = reply.subscribe
            pubs = [read_pub(pub) for pub in told.publications]
            read.append(((told.epoch, told.offset, told.recovered, told.delta, pubs), None))
        elif reply.push.HasField("pub"):
            read.append((None, read_pub(reply.push.pub)))
    return read


def read_pub(pub: Any) -> Pub:
    """Read a publication of Protobuf's."""
    return Pub(msgspec.Raw(pub.data), pub.offset, pub.delta, dict(pub.tags))


def fill(made: Any, values: dict[str, Any]) -> None:
    """Put *values* into a message, as a library would."""
    for name, value in values.items():
        if isinstance(value, dict):
            getattr(made, name).SetInParent()
            fill(getattr(made, name), value)
        elif isinstance(value, list):
            getattr(made, name).extend(value)
        else:
            setattr(made, name, value)


def every_reader(runtime: Runtime, channel: str) -> list[Reader]:
    """Return a reader of each kind that hears everything."""
    return [
        Reader(runtime, channel, encoding, **asked)
        for encoding in (LINES, MESSAGES)
        for asked in ({}, {"delta": "fossil"})
    ]
