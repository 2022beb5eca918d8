"""The open loop's times, and the split between shards."""

from __future__ import annotations

import pytest

from loadgen.schedule import Schedule, shard_range


def test_times_are_fixed_in_advance() -> None:
    """Publication n is due n/rate after the start, whatever happened to the ones before."""
    assert [Schedule(2_000, 4).due(number) for number in range(4)] == [0, 500_000, 1_000_000, 1_500_000]


def test_due_by_counts_what_is_late_too() -> None:
    """After a pause everything that came due meanwhile is due at once, and never more than there is."""
    schedule = Schedule(10, 5)

    assert [schedule.due_by(ms * 1_000_000) for ms in (-1, 0, 99, 100, 250, 10_000)] == [0, 1, 1, 2, 3, 5]


def test_every_due_publication_is_counted_at_its_own_time() -> None:
    """`due` and `due_by` agree: at its own time a publication is due."""
    schedule = Schedule(333, 1000)

    assert all(schedule.due_by(schedule.due(number) + 1) >= number + 1 for number in range(1000))


def test_channels_in_turn() -> None:
    """Publications go to each channel in turn, and the expected counts add up."""
    schedule = Schedule(1, 7, channels=3)

    assert [schedule.channel(number) for number in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [schedule.expected(channel) for channel in range(3)] == [3, 2, 2]


def test_shards_cover_every_client_once() -> None:
    """The shards' clients together are all clients, none twice."""
    parts = [client for index in range(3) for client in shard_range(10, index, 3)]

    assert sorted(parts) == list(range(10))


def test_a_shard_out_of_range() -> None:
    """A shard beyond the number of shards is refused."""
    with pytest.raises(ValueError, match="shard 3 of 3: expected 0 to 2"):
        shard_range(10, 3, 3)
