"""History by pages, and positions that cannot be continued."""

from __future__ import annotations

import pytest
import redis

from tandem import Position, publish
from tandem.errors import UnknownNamespace, UnrecoverablePosition
from tandem.streams import MAX_HISTORY_LIMIT, History, history, history_limit, position, remove_history


@pytest.fixture
def epoch(store: redis.Redis) -> str:
    """A channel `kept:a` with the publications 1 to 5; its epoch."""
    for number in range(1, 6):
        last = publish("kept:a", number)
    return last.epoch


def offsets(found: History) -> list[int]:
    return [publication.offset for publication in found.publications]


def test_no_limit_is_the_position_alone(epoch: str) -> None:
    """As in the protocol: limit 0 asks where the stream stands."""
    assert history("kept:a") == History(Position(epoch, 5), [])


def test_negative_limit_is_everything(epoch: str) -> None:
    """Up to the most that one answer holds."""
    assert offsets(history("kept:a", limit=-1)) == [1, 2, 3, 4, 5]
    assert (history_limit(-1), history_limit(10**9), history_limit(3)) == (MAX_HISTORY_LIMIT, MAX_HISTORY_LIMIT, 3)


def test_pages_follow_each_other(epoch: str) -> None:
    """Each page begins after the last publication of the one before."""
    first = history("kept:a", limit=2)
    second = history("kept:a", limit=2, since=Position(epoch, first.publications[-1].offset))
    third = history("kept:a", limit=2, since=Position(epoch, second.publications[-1].offset))

    assert [offsets(page) for page in (first, second, third)] == [[1, 2], [3, 4], [5]]
    assert all(page.position == Position(epoch, 5) for page in (first, second, third))


def test_pages_in_reverse(epoch: str) -> None:
    """Newest first; after a position means before it."""
    assert offsets(history("kept:a", limit=2, reverse=True)) == [5, 4]
    assert offsets(history("kept:a", limit=2, reverse=True, since=Position(epoch, 4))) == [3, 2]
    assert offsets(history("kept:a", limit=9, reverse=True, since=Position(epoch, 1))) == []
    assert offsets(history("kept:a", limit=2, reverse=True, since=Position("", 4))) == [3, 2]


def test_position_without_epoch_is_believed(epoch: str) -> None:
    """A page that knows only offsets asks what came after one."""
    assert offsets(history("kept:a", limit=-1, since=Position("", 3))) == [4, 5]


@pytest.mark.parametrize("offset", [0, 3, 10**15, 2**60])
def test_position_of_another_epoch_is_refused(epoch: str, offset: int) -> None:
    """What follows it cannot be told."""
    with pytest.raises(UnrecoverablePosition, match=f"its epoch is {epoch}"):
        history("kept:a", limit=1, since=Position("another", offset))


@pytest.mark.parametrize("offset", [6, 10**15, 2**60])
def test_position_in_the_future_is_refused_and_harms_nobody(epoch: str, offset: int) -> None:
    """Anybody can claim a position: the others' stream goes on."""
    with pytest.raises(UnrecoverablePosition):
        history("kept:a", limit=1, since=Position(epoch, offset))

    assert position("kept:a") == Position(epoch, 5)
    assert offsets(history("kept:a", limit=-1)) == [1, 2, 3, 4, 5]


def test_channel_without_publications_has_a_position(store: redis.Redis) -> None:
    """An epoch from the first question on, so that a reader can begin there."""
    begin = position("kept:new")

    assert begin.offset == 0
    assert begin.epoch
    assert position("kept:new") == begin
    assert publish("kept:new", 1) == Position(begin.epoch, 1)


def test_publications_carry_tags(store: redis.Redis) -> None:
    """As they were published."""
    publish("kept:a", {"x": 1}, tags={"a": "b"})
    [publication] = history("kept:a", limit=1).publications

    assert (publication.data, publication.tags) == (b'{"x":1}', b'{"a":"b"}')


def test_removed_history_keeps_its_position(epoch: str) -> None:
    """So readers who miss it are told instead of counting from 1 again."""
    remove_history("kept:a")

    assert history("kept:a", limit=-1) == History(Position(epoch, 5), [])
    assert publish("kept:a", 6).offset == 6


def test_unknown_namespace_is_refused(store: redis.Redis) -> None:
    """Before Redis is asked."""
    with pytest.raises(UnknownNamespace):
        position("nowhere:a")
    with pytest.raises(UnknownNamespace):
        remove_history("nowhere:a")
