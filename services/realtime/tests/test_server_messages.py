"""Bytes to messages, without a socket."""

from hypothesis import given
from hypothesis import strategies as st

from tandem_realtime.server.messages import Closed, Event, Failed, MessageReader, Ping, whole_message
from tests.server_process import masked


def feed(*pieces: bytes, max_bytes: int = 1000) -> list[Event]:
    """Return the events of all pieces."""
    reader = MessageReader(max_bytes)
    return [event for piece in pieces for event in reader.feed(piece)]


def test_several_frames_in_one_piece() -> None:
    """Everything that is whole comes out, in order."""
    data = masked(1, b"a") + masked(9, b"p") + masked(2, b"\xff") + masked(10, b"unasked") + masked(8, b"\x03\xe8bye")

    assert feed(data) == ["a", Ping(b"p"), b"\xff", Closed(1000, "bye", b"\x03\xe8bye")]


@given(st.lists(st.integers(1, 30), max_size=40))
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    """However the network cuts the stream, the messages are the same."""
    data = (
        masked(1, "é€".encode()[:3], fin=False) + masked(9, b"p") + masked(0, "é€".encode()[3:]) + masked(2, b"x" * 200)
    )
    pieces = []
    for cut in cuts:
        pieces.append(data[:cut])
        data = data[cut:]

    assert feed(*filter(None, [*pieces, data])) == [Ping(b"p"), "é€", b"x" * 200]


def test_reader_is_idle_between_messages_only() -> None:
    """A reader can be dropped when nothing is half read: no frame and no fragmented message."""
    reader = MessageReader(1000)
    frame = masked(1, b"abc")
    states = []
    for piece in (frame, frame[:3], frame[3:], masked(1, b"a", fin=False), masked(0, b"b")):
        reader.feed(piece)
        states.append(reader.is_idle)

    assert states == [True, False, True, False, True]


def test_size_counts_the_whole_message() -> None:
    """The limit holds for fragments together, and is told before the payload has come."""
    fragments = masked(2, b"x" * 100, fin=False) + masked(0, b"x" * 101, fin=False)

    assert feed(fragments, max_bytes=200) == [Failed(1009, "message too big")]
    assert feed(masked(1, b"", length=2**33), max_bytes=200) == [Failed(1009, "message too big")]
    assert feed(masked(1, b"x" * 200), max_bytes=200) == ["x" * 200]


def test_bad_text_fails_at_its_fragment() -> None:
    """Text that can never become valid is not collected any further."""
    assert feed(masked(1, b"a", fin=False) + masked(0, b"\xff", fin=False)) == [Failed(1007, "invalid UTF-8")]


def test_character_cut_at_the_end_fails() -> None:
    """A message must not end within a character."""
    assert feed(masked(1, b"\xc3", fin=False) + masked(0, b"")) == [Failed(1007, "invalid UTF-8")]


PAYLOADS = st.binary(max_size=300) | st.text(max_size=300).map(str.encode)


@given(PAYLOADS, st.sampled_from([1, 2]), st.integers(0, 400), st.binary(max_size=3))
def test_whole_message_is_what_the_reader_makes_of_it(payload: bytes, kind: int, size: int, more: bytes) -> None:
    """Of one frame and nothing else; of whatever is to be judged, or not whole, it says nothing."""
    frame = masked(kind, payload)
    events = feed(frame + more, max_bytes=size)

    assert whole_message(frame + more, size) in ([None, events[0]] if events and not more else [None])
    assert whole_message(frame[:-1], size) is None


def test_usual_messages_are_whole() -> None:
    """Short and long, text and binary; not what is in parts, what is no message, or what breaks the protocol."""
    taken = [masked(1, b"{}"), masked(2, b"\xff" * 200), masked(1, b"")]
    left = [
        masked(9, b"p"),
        masked(1, b"a", fin=False),
        masked(0, b"a"),
        masked(1, b"\xff"),
        b"\x81\x01a",
        b"\xc1\x80abcd",
        b"\x81\xff" + (119).to_bytes(8) + bytes(4) + b"a" * 119,  # 133 bytes, as if 127 were its length
    ]

    assert [whole_message(data, 1000) for data in taken] == ["{}", b"\xff" * 200, ""]
    assert [whole_message(data, 1000) for data in left] == [None] * len(left)
