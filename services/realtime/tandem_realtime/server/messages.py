"""Bytes from the client to messages: `websockets` parses frames, this joins them and checks the text. No I/O here."""

from __future__ import annotations

import codecs
from collections.abc import Generator
from dataclasses import dataclass

from websockets import frames
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.streams import StreamReader

_unmask = frames.apply_mask  # type: ignore[attr-defined]  # the one in C, where there is one

# A control frame may come between the fragments of a message that has nearly used up its size.
_MAX_CONTROL_BYTES = 125


@dataclass(frozen=True, slots=True)
class Ping:
    """The client asks for a pong with the same payload."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The client closes. *payload* is what the answer repeats; 1005 stands for no code."""

    code: int
    reason: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The client broke the protocol: close with this code (1002, 1007 or 1009) and read no further."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """A frame that completes no message: a fragment with so many bytes, or a pong that nobody asked for."""

    size: int


Event = str | bytes | Ping | Closed | Failed
_TEXT, _BINARY, _MASKED, _TWO_BYTES = 0x81, 0x82, 0x80, 126  # whole messages, and how their lengths are given


def whole_message(data: bytes, max_bytes: int) -> str | bytes | None:
    """Return the message that *data* is, one frame and nothing else; None for all that `MessageReader` must judge."""
    if len(data) < 6 or data[0] not in (_TEXT, _BINARY):
        return None
    start, length = 2, data[1] - _MASKED
    if length == _TWO_BYTES:
        start, length = 4, data[2] << 8 | data[3]
    elif length > _TWO_BYTES:  # eight bytes have it
        return None
    if len(data) != start + 4 + length or length > max_bytes:
        return None
    payload: bytes = _unmask(data[start + 4 :], data[start : start + 4])
    if data[0] == _BINARY:
        return payload
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


class MessageReader:
    """
    Turn received bytes into events: `str` and `bytes` are whole messages.

    Holds nothing once `is_idle`, so a quiet connection can drop it and start the next message with a new one.
    """

    __slots__ = ("_decoder", "_max_bytes", "_parser", "_parts", "_reader", "_size")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._reader = StreamReader()
        self._parser: Generator[None, None, Frame] | None = None
        self._parts: bytearray | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._size = 0

    @property
    def is_idle(self) -> bool:
        """Tell whether no frame and no message is half read."""
        return self._parser is None and self._parts is None

    def add(self, data: bytes) -> None:
        """Take bytes, of which `next` reads frame by frame."""
        self._reader.feed_data(data)

    def next(self) -> Event | Part | None:
        """Return what the next whole frame brings, None if there is none yet. Nothing follows `Closed` or `Failed`."""
        try:
            frame = self._next_frame()
            return None if frame is None else self._take(frame)
        except ProtocolError as error:
            return Failed(CloseCode.PROTOCOL_ERROR, str(error))
        except UnicodeDecodeError:
            return Failed(CloseCode.INVALID_DATA, "invalid UTF-8")
        except PayloadTooBig:
            return Failed(CloseCode.MESSAGE_TOO_BIG, "message too big")

    def feed(self, data: bytes) -> list[Event]:
        """Return everything that *data* completes, in order. After `Closed` or `Failed` nothing may be fed."""
        self.add(data)
        events: list[Event] = []
        while (event := self.next()) is not None:
            if not isinstance(event, Part):
                events.append(event)
            if isinstance(event, (Closed, Failed)):
                break
        return events

    def _next_frame(self) -> Frame | None:
        if self._parser is None:
            if not self._reader.buffer:
                return None
            room = max(self._max_bytes - self._size, _MAX_CONTROL_BYTES)
            self._parser = Frame.parse(self._reader.read_exact, mask=True, max_size=room)
        try:
            next(self._parser)
        except StopIteration as done:
            self._parser = None
            frame: Frame = done.value
            return frame
        return None

    def _take(self, frame: Frame) -> Event | Part:
        match frame.opcode:
            case Opcode.PING:
                return Ping(bytes(frame.data))
            case Opcode.PONG:
                return Part(0)
            case Opcode.CLOSE:
                return self._take_close(frame)
        if (frame.opcode is Opcode.CONT) == (self._parts is None):
            raise ProtocolError("unexpected or missing continuation frame")
        self._size += len(frame.data)
        if self._size > self._max_bytes:
            raise PayloadTooBig(self._size, self._max_bytes)
        if frame.fin and self._parts is None:
            self._size = 0
            return str(frame.data, "utf-8") if frame.opcode is Opcode.TEXT else bytes(frame.data)
        return self._take_fragment(frame)

    def _take_fragment(self, frame: Frame) -> str | bytes | Part:
        """Collect one fragment; text is decoded at every fragment, only so that bad text fails early."""
        if self._parts is None:
            self._parts = bytearray()
            if frame.opcode is Opcode.TEXT:
                self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._parts += frame.data
        if self._decoder is not None:
            self._decoder.decode(bytes(frame.data), frame.fin)
        if not frame.fin:
            return Part(len(frame.data))
        whole, is_text = self._parts, self._decoder is not None
        self._parts, self._decoder, self._size = None, None, 0
        return str(whole, "utf-8") if is_text else bytes(whole)

    def _take_close(self, frame: Frame) -> Closed:
        payload = bytes(frame.data)
        close = Close.parse(payload)
        return Closed(int(close.code), close.reason, payload)
