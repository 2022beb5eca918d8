"""Frames from the server, read back by `websockets`."""

import pytest
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from tandem_realtime.server.frames import binary_frame, close_frame, pong_frame, text_frame


def read(data: bytes) -> Frame:
    """Parse one frame as a client does."""
    reader = StreamReader()
    reader.feed_data(data)
    try:
        next(Frame.parse(reader.read_exact, mask=False))
    except StopIteration as done:
        assert not reader.buffer
        frame: Frame = done.value
        return frame
    raise AssertionError("not a whole frame")


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_lengths_are_those_of_the_rfc(length: int) -> None:
    """Each of the three forms of the length is read back."""
    assert read(text_frame(b"x" * length)) == Frame(Opcode.TEXT, b"x" * length)


def test_opcodes() -> None:
    """Binary frames and pongs say what they are."""
    assert read(binary_frame(b"\xff")) == Frame(Opcode.BINARY, b"\xff")
    assert read(pong_frame(b"p")) == Frame(Opcode.PONG, b"p")


def test_close_has_code_and_reason() -> None:
    """A reason too long for a control frame is cut between two characters."""
    assert Close.parse(read(close_frame(3001, "shutdown")).data) == Close(3001, "shutdown")
    assert Close.parse(read(close_frame(4000, "é" * 100)).data) == Close(4000, "é" * 61)


def test_no_status_is_an_empty_close() -> None:
    """1005 is never sent as a number."""
    assert read(close_frame(1005)) == Frame(Opcode.CLOSE, b"")


@pytest.mark.parametrize("code", [0, 999, 1004, 1006, 1015, 2999, 5000])
def test_forbidden_codes_are_refused(code: int) -> None:
    """A code that RFC 6455 reserves is an error of the application."""
    with pytest.raises(ValueError, match=f"close code {code} must not be sent"):
        close_frame(code)
