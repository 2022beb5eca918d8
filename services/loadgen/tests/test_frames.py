"""The generator's frames are those of RFC 6455, checked against the `websockets` library's own."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from loadgen import frames


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_server_frame(size: int) -> None:
    """A server frame is byte for byte what `websockets` makes of the same payload."""
    payload = b"x" * size

    assert frames.server_frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


def test_client_frame_is_masked_with_zeros() -> None:
    """A client frame has the mask bit, a zero mask, and its payload as it is."""
    assert frames.client_frame(b"{}") == b"\x81\x82\0\0\0\0{}"


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_split_returns_whole_frames(size: int) -> None:
    """Whole frames come out, of every width of the length; the rest stays."""
    data = frames.server_frame(b"y" * size) + frames.server_frame(b"end", frames.CLOSE) + b"\x81"

    assert frames.split(data) == ([(frames.TEXT, b"y" * size), (frames.CLOSE, b"end")], b"\x81")


def test_split_waits_for_every_byte() -> None:
    """Cut anywhere, a frame is left over whole until its last byte is there."""
    data = frames.server_frame(b"z" * 300)

    assert {frames.split(data[:cut]) == ([], data[:cut]) for cut in range(len(data))} == {True}


@pytest.mark.parametrize("data", [b"\x01\x00", b"\xc1\x00", b"\x81\x80", b"HTTP"])
def test_split_refuses_what_it_did_not_ask_for(data: bytes) -> None:
    """Fragments, compression, masked frames and plain text are refused, and the error shows the bytes."""
    with pytest.raises(frames.FrameError) as caught:
        frames.split(data)

    assert str(caught.value) == f"expected a whole unmasked frame, got {data[:2]!r}"


def test_close_reason() -> None:
    """Code and reason are read; a close frame without them is 1005."""
    assert frames.close_reason(b"\x0b\xb9shutdown") == (3001, "shutdown")
    assert frames.close_reason(b"") == (1005, "")


def test_handshake() -> None:
    """The request has what RFC 6455 section 4.1 asks for, and an Origin only on demand."""
    text = frames.handshake("host:1", "/ws/?a=b", origin="http://o").decode()

    assert text.startswith("GET /ws/?a=b HTTP/1.1\r\nHost: host:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    assert text.endswith("\r\nOrigin: http://o\r\n\r\n")
    assert b"Origin" not in frames.handshake("host:1", "/ws/")
