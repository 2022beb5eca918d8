"""One channel's decisions: what is delivered, held, repaired, recovered, or told as lost."""

from __future__ import annotations

import asyncio

import pytest

from tandem.namespaces import Namespace
from tandem.publication import Position, Publication
from tandem.scripts import StreamState
from tandem_realtime.hub import Subscription
from tandem_realtime.hub.channel import LiveChannel, Recovery
from tandem_realtime.hub.judgement import Judgement
from tandem_realtime.hub.streams import Found
from tandem_realtime.protocol.encodings import EVENTS, LINES, Encoding

LIMIT = 300


def publication(offset: int, epoch: str = "e") -> Publication:
    return Publication("c", str(offset).encode(), offset, epoch)


def found(at: int, *offsets: int, epoch: str = "e", previous: Position | None = None) -> Found:
    """A stream that stands at *at* and gave these."""
    state = StreamState(Position(epoch, at), previous)
    return Found(state, [publication(offset, epoch) for offset in offsets])


def offsets(publications: list[Publication] | Recovery | None) -> list[int]:
    assert isinstance(publications, list)
    return [each.offset for each in publications]


@pytest.fixture
def channel() -> LiveChannel:
    """A channel that stands at 5."""
    channel = LiveChannel("c", Namespace(history_size=10, history_ttl=60))
    channel.start(StreamState(Position("e", 5), None))
    return channel


async def begin_repair(channel: LiveChannel, *held: int) -> None:
    """Have *held* arrive behind a gap, as the repairs do."""
    assert channel.take(publication(held[0])) is Judgement.REPAIR
    channel.repaired = asyncio.get_running_loop().create_future()
    for offset in held[1:]:
        channel.take(publication(offset))


def test_next_moves_the_position(channel: LiveChannel) -> None:
    """And a repeat does not."""
    verdicts = [channel.take(publication(offset)) for offset in (6, 6, 7)]

    assert verdicts == [Judgement.DELIVER, Judgement.DROP, Judgement.DELIVER]
    assert channel.position == Position("e", 7)


def test_what_arrives_before_the_position_is_known_waits() -> None:
    """Joined, but the stream has not answered: what it had already is dropped, the rest comes after it."""
    channel = LiveChannel("c", Namespace(history_size=10, history_ttl=60))
    verdicts = [channel.take(publication(offset)) for offset in (4, 5, 6)]
    channel.start(StreamState(Position("e", 5), None))

    assert verdicts == [Judgement.REPAIR] * 3
    assert channel.position == Position("e", 6)
    assert channel.held == []


async def test_gap_is_filled_in_order(channel: LiveChannel) -> None:
    """What came behind the gap follows what was in it."""
    await begin_repair(channel, 8, 9)
    filled = channel.fill(found(9, 6, 7, 8, 9))

    assert offsets(filled) == [6, 7, 8, 9]
    assert channel.position == Position("e", 9)
    assert not channel.is_repairing


async def test_what_came_after_the_read_follows(channel: LiveChannel) -> None:
    """The stream had up to 8 when it was read; 9 came live meanwhile."""
    await begin_repair(channel, 8, 9)

    assert offsets(channel.fill(found(8, 6, 7, 8))) == [6, 7, 8, 9]


async def test_second_gap_is_held_on(channel: LiveChannel) -> None:
    """Behind the read another one is missing: the next repair fills that."""
    await begin_repair(channel, 7, 10)

    assert offsets(channel.fill(found(7, 6, 7))) == [6, 7]
    assert [each.offset for each in channel.held] == [10]


async def test_trimmed_gap_is_told(channel: LiveChannel) -> None:
    """6 and 7 are gone: the channel stands where the stream stands, and can recover who missed less."""
    await begin_repair(channel, 9)

    assert channel.fill(found(9, 8, 9)) is None
    assert channel.position == Position("e", 9)
    assert offsets(channel.recover(Position("e", 7), LIMIT)) == [8, 9]
    assert channel.recover(Position("e", 6), LIMIT) is Recovery.ASK


async def test_other_epoch_is_told(channel: LiveChannel) -> None:
    """Redis started over."""
    await begin_repair(channel, 9)

    assert channel.fill(found(2, 1, 2, epoch="f")) is None
    assert channel.position == Position("f", 2)
    assert channel.recover(Position("e", 5), LIMIT) is Recovery.LOST


async def test_takeover_recovers_from_memory(channel: LiveChannel) -> None:
    """Every write was kept: the old position continues in the new epoch."""
    await begin_repair(channel, 9)

    assert channel.fill(found(7, 6, 7, epoch="f", previous=Position("e", 5))) is None
    assert offsets(channel.recover(Position("e", 5), LIMIT)) == [6, 7]
    assert offsets(channel.recover(Position("f", 6), LIMIT)) == [7]
    assert channel.recover(Position("e", 6), LIMIT) is Recovery.ASK


def test_reader_that_is_up_to_date_misses_nothing(channel: LiveChannel) -> None:
    """From memory, at once."""
    assert channel.recover(Position("e", 5), LIMIT) == []


def test_reader_of_another_epoch_is_lost(channel: LiveChannel) -> None:
    """No need to ask."""
    assert channel.recover(Position("f", 5), LIMIT) is Recovery.LOST


def test_reader_that_missed_too_much_is_lost(channel: LiveChannel) -> None:
    """The limit is a number of publications."""
    assert channel.recover(Position("e", 2), 2) is Recovery.LOST
    assert channel.recover(Position("e", 3), 2) is Recovery.ASK


def test_reader_ahead_of_us_is_asked_about_once(channel: LiveChannel) -> None:
    """It may know more than we do: the stream has the last word."""
    ahead = Position("e", 7)

    assert channel.recover(ahead, LIMIT) is Recovery.ASK
    assert channel.is_behind(found(7), ahead)
    assert not channel.is_behind(found(5), ahead)
    assert channel.recover(ahead, LIMIT, found(5)) is Recovery.LOST


def test_stream_of_another_epoch_is_news(channel: LiveChannel) -> None:
    """Whatever the reader claims."""
    assert channel.is_behind(found(5, epoch="f"), Position("e", 5))


def test_what_the_stream_tells_is_cut_to_where_we_stand(channel: LiveChannel) -> None:
    """What lies ahead of us comes live to everybody, and must not come twice."""
    assert offsets(channel.recover(Position("e", 2), LIMIT, found(7, 3, 4, 5, 6, 7))) == [3, 4, 5]


def test_hole_in_what_the_stream_tells_is_a_loss(channel: LiveChannel) -> None:
    """Trimmed, or run out."""
    assert channel.recover(Position("e", 2), LIMIT, found(5, 4, 5)) is Recovery.LOST
    assert channel.recover(Position("e", 2), LIMIT, found(5)) is Recovery.LOST


def test_stream_and_memory_are_joined(channel: LiveChannel) -> None:
    """Read before 6 and 7 arrived live."""
    channel.take(publication(6))
    channel.take(publication(7))

    assert offsets(channel.recover(Position("e", 3), LIMIT, found(5, 4, 5))) == [4, 5, 6, 7]


def test_publication_without_offset_passes(channel: LiveChannel) -> None:
    """Sent by a plain `group_send`: whatever is repaired meanwhile."""
    assert channel.take(Publication("c", b"1")) is Judgement.DELIVER
    assert channel.position == Position("e", 5)


class Owner:
    """A connection."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding

    def write(self, data: bytes) -> None:
        """Take bytes."""

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Be told whether the server is sure."""
        self.states = [*getattr(self, "states", []), is_sure]

    def state_lost(self, subscription: Subscription) -> None:
        """Be told."""


def test_subscriptions_are_kept_by_encoding(channel: LiveChannel) -> None:
    """Added and removed, twice does no harm, and nothing is left."""
    subscriptions = [Subscription(Owner(encoding), "c") for encoding in (LINES, LINES, EVENTS)]
    subscriptions[0].member = "c"
    for subscription in subscriptions:
        channel.add(subscription)
    counts = {encoding: len(writers) for encoding, writers in channel.writers.items()}
    every, members = channel.subscriptions, set(channel.members)
    for subscription in subscriptions * 2:
        channel.remove(subscription)

    assert counts == {LINES: 2, EVENTS: 1}
    assert (every, members) == (subscriptions, {subscriptions[0]})
    assert (channel.writers, channel.members, channel.subscriber_count) == ({}, set(), 0)
