"""Long answers in pieces: the same bytes, and the data in them is the publication's own."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem.publication import Publication
from tandem_realtime.protocol.dialects import Dialect, json, protobuf
from tandem_realtime.protocol.encodings import Deltas, spoken
from tandem_realtime.protocol.results import LONG_BYTES, HistoryResult, SubscribeResult, told
from tandem_realtime.server.frames import text_frame, text_head

PUBLICATIONS = st.builds(
    Publication,
    st.just("public:a"),
    st.integers().map(lambda number: str(number).encode()),
    st.integers(0, 9),
    tags=st.sampled_from([b"", b'{"a":"b"}']),
    info=st.sampled_from([b"", b'{"user":"7","client":"c"}']),
)
RESULTS = st.one_of(
    st.builds(HistoryResult, st.text(), st.integers(0, 9), st.lists(PUBLICATIONS, min_size=1).map(told)),
    st.builds(
        SubscribeResult, st.booleans(), epoch=st.text(), publications=st.lists(PUBLICATIONS, min_size=1).map(told)
    ),
)
LONG = Publication("public:a", b'"%s"' % (b"x" * LONG_BYTES), 7)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from([json, protobuf]), st.integers(1, 99), RESULTS)
def test_answer_is_the_same(dialect: Dialect, id: int, result: HistoryResult | SubscribeResult) -> None:
    """In either dialect, whatever else it says."""
    method = "history" if isinstance(result, HistoryResult) else "subscribe"

    assert b"".join(dialect.reply_pieces(id, method, result)) == dialect.encode_reply(id, method, result)


def test_long_push_is_the_same_and_not_copied() -> None:
    """As a frame of a socket; where a transport takes no pieces it is one."""
    encoding = spoken(json, text_frame, text_head)
    pieces = encoding.whole(LONG)

    assert any(piece is LONG.data for piece in pieces)
    assert b"".join(pieces) == encoding.encode(LONG)
    assert spoken(json, text_frame).whole(LONG) == [encoding.encode(LONG)]


def test_push_to_a_subscription_that_takes_deltas_is_whole() -> None:
    """In the form that it has there."""
    encoding = spoken(json, text_frame, text_head)._replace(deltas=Deltas.NEXT)

    assert encoding.whole(LONG) == [text_frame(json.push_whole(LONG))]


def test_only_what_is_large_is_long() -> None:
    """Very many small publications are better copied together."""
    assert told([LONG] * 3).is_long(2 * LONG_BYTES)
    assert not told([LONG]).is_long(2 * LONG_BYTES)
    assert not told([Publication("public:a", b"1")] * 99_999).is_long(2 * LONG_BYTES)
    assert not told([LONG] * 3, has_delta=True).is_long(2 * LONG_BYTES)


def test_what_a_crowd_has_missed_is_encoded_for_each_form() -> None:
    """Encoded once for all who are told the same, and anew for whoever is told something else, or otherwise."""
    one, other = Publication("c", b"1", offset=1), Publication("c", b"2", offset=2)
    answers = [
        json.encode_reply(1, "subscribe", SubscribeResult(publications=told(publications, has_delta=has_delta)))
        for publications in ([one], [one], [one, other], [other])
        for has_delta in (False, True)
    ]

    assert [answer.partition(b'"publications":')[2] for answer in answers] == [
        b'[{"data":1,"offset":1}]}}',
        b'[{"data":"1","offset":1}]}}',
        b'[{"data":1,"offset":1}]}}',
        b'[{"data":"1","offset":1}]}}',
        b'[{"data":1,"offset":1},{"data":2,"offset":2}]}}',
        b'[{"data":"1","offset":1},{"data":"2","offset":2}]}}',
        b'[{"data":2,"offset":2}]}}',
        b'[{"data":"2","offset":2}]}}',
    ]
