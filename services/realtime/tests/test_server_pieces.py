"""Frames in pieces: what is sent of them is forgotten, whatever the kernel took."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem_realtime.server.pieces import Pieces


def test_buffers_are_the_pieces_themselves() -> None:
    """None of them is copied, and empty ones are left out."""
    first, second = b"a" * 10, b"b" * 10
    pieces = Pieces([first, b"", second])

    assert len(pieces) == 20
    assert [id(piece) for piece in pieces.buffers(9)] == [id(first), id(second)]
    assert list(pieces.buffers(1)) == [first]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.binary(max_size=5), max_size=9), st.lists(st.integers(0, 15), min_size=1))
def test_what_was_sent_is_never_sent_again(contents: list[bytes], takes: list[int]) -> None:
    """Cut wherever the kernel likes."""
    pieces, sent = Pieces(contents), b""
    for take in (*takes, *[15] * 9):
        offered = b"".join(pieces.buffers(3))
        count = min(take, len(offered))
        sent += offered[:count]
        pieces.skip(count)

        assert len(pieces) == len(b"".join(contents)) - len(sent)
    assert sent == b"".join(contents)
