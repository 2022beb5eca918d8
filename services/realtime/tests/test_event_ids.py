"""The ids of one-way event streams."""

from __future__ import annotations

import pytest

from tandem.publication import Position, Publication
from tandem_realtime.protocol.codes import CommandError
from tandem_realtime.protocol.encodings import PLAIN_EVENTS
from tandem_realtime.protocol.event_ids import EventIds
from tandem_realtime.session.following import LOST, resumed, wanted


def test_single_channel_shares_its_bytes() -> None:
    """All readers of one channel get the same event, encoded once."""
    assert EventIds({"a": None}).encoding is PLAIN_EVENTS


def test_id_says_where_the_reader_stands_in_each_channel() -> None:
    """In the order of the channels, empty for one that has no position."""
    event_ids = EventIds({"a": None, "b": Position("old", 3), "c": None})
    begin = event_ids.begin("a", Position("e", 7), has_history=True)
    event = event_ids.encoding.encode(Publication("b", b"1", 4, "old"))
    plain = event_ids.encoding.encode(Publication("c", b"2"))

    assert begin == b'id: e:7,old:3,\nevent: position\ndata: {"channel":"a","epoch":"e","offset":7}\n\n'
    assert event == b'id: e:7,old:4,\ndata: {"channel":"b","data":1,"offset":4,"epoch":"old"}\n\n'
    assert plain == b'id: e:7,old:4,\ndata: {"channel":"c","data":2}\n\n'


def test_resumed_reads_what_a_trail_wrote() -> None:
    """An id comes back as the positions that it was made of."""
    event_ids = EventIds({"a": None, "b": None, "c": None})
    event_ids.begin("a", Position("e", 7), has_history=True)
    event_ids.begin("c", Position("f", 0), has_history=True)

    assert resumed(["a", "b", "c"], event_ids.id) == {"a": Position("e", 7), "b": None, "c": Position("f", 0)}


@pytest.mark.parametrize("event_id", ["x", "a:1,b:2,c:3", "a:-1", "a:1e9", ":3", "a:" + "9" * 19])
def test_id_that_is_not_ours_counts_as_lost(event_id: str) -> None:
    """An EventSource that is refused never comes back, so it is told to reload instead."""
    assert resumed(["a", "b"], event_id) == {"a": LOST, "b": LOST}


@pytest.mark.parametrize(
    ("channels", "since"), [([], []), (["a"], ["e:1", "e:2"]), (["a", "a"], []), (["a"], ["e"]), (["a"], ["e:-1"])]
)
def test_malformed_address_is_a_bad_request(channels: list[str], since: list[str]) -> None:
    """No channel, the same twice, more positions than channels, what is no position."""
    with pytest.raises(CommandError, match="bad request"):
        wanted(channels, since)


def test_positions_belong_to_channels_in_order() -> None:
    """Fewer than channels: the rest is wanted from now on; an empty one too."""
    assert wanted(["a", "b", "c"], ["", "e:2"]) == {"a": None, "b": Position("e", 2), "c": None}
