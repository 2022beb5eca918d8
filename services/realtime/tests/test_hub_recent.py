"""The end of a stream in memory: without holes, and bounded."""

from __future__ import annotations

from tandem.publication import Publication
from tandem_realtime.hub import recent
from tandem_realtime.hub.recent import Recent


def some(first: int, last: int, *, size: int = 1) -> list[Publication]:
    return [Publication("c", b"x" * size, offset, "e", time=offset) for offset in range(first, last + 1)]


def holding(first: int, last: int) -> Recent:
    kept = Recent()
    for publication in some(first, last):
        kept.append(publication)
    return kept


def offsets(publications: list[Publication] | None) -> list[int] | None:
    return None if publications is None else [publication.offset for publication in publications]


def test_what_follows_is_told() -> None:
    """All of it, or None; nothing is missing for who is there already, or ahead."""
    kept = holding(4, 8)

    assert offsets(kept.after(3, until=8)) == [4, 5, 6, 7, 8]
    assert offsets(kept.after(6, until=8)) == [7, 8]
    assert offsets(kept.after(8, until=8)) == []
    assert offsets(kept.after(9, until=8)) == []
    assert kept.after(2, until=8) is None


def test_memory_that_ends_early_tells_nothing() -> None:
    """The channel stands at 9, and 9 is not here."""
    assert holding(4, 8).after(6, until=9) is None
    assert Recent().after(0, until=1) is None


def test_oldest_go_when_there_are_too_many() -> None:
    """By number, and by size."""
    kept = holding(1, recent.MAX_PUBLICATIONS + 5)
    large = Recent()
    for publication in some(1, 10, size=recent.MAX_BYTES // 4):
        large.append(publication)

    assert offsets(kept.after(5, until=recent.MAX_PUBLICATIONS + 5)) is not None
    assert kept.after(4, until=recent.MAX_PUBLICATIONS + 5) is None
    assert offsets(large.after(6, until=10)) == [7, 8, 9, 10]
    assert large.after(5, until=10) is None


def test_publication_over_the_limit_leaves_nothing() -> None:
    """Not even itself; the next one starts anew."""
    kept = holding(1, 3)
    kept.append(some(4, 4, size=recent.MAX_BYTES + 1)[0])
    empty = kept.after(3, until=4)
    kept.append(some(5, 5)[0])

    assert empty is None
    assert offsets(kept.after(4, until=5)) == [5]


def test_what_lies_before_joins() -> None:
    """As much as has no hole to what is here."""
    kept = holding(6, 8)
    kept.prepend(some(2, 7), until=8)
    apart = holding(6, 8)
    apart.prepend(some(2, 4), until=8)
    empty = Recent()
    empty.prepend(some(2, 4), until=4)
    beyond = Recent()
    beyond.prepend(some(2, 4), until=9)

    assert offsets(kept.after(1, until=8)) == [2, 3, 4, 5, 6, 7, 8]
    assert apart.after(4, until=8) is None
    assert offsets(empty.after(1, until=4)) == [2, 3, 4]
    assert beyond.last is None


def test_what_lies_before_is_bounded_too() -> None:
    """The newest fit."""
    kept = Recent()
    kept.prepend(some(1, recent.MAX_PUBLICATIONS + 50), until=recent.MAX_PUBLICATIONS + 50)

    assert offsets(kept.after(50, until=recent.MAX_PUBLICATIONS + 50)) is not None
    assert kept.after(49, until=recent.MAX_PUBLICATIONS + 50) is None


def test_old_ones_are_forgotten() -> None:
    """And leave room: the bytes are counted."""
    kept = holding(1, 8)
    kept.forget_before(6)
    rest = offsets(kept.after(5, until=8))
    kept.forget_before(100)

    assert rest == [6, 7, 8]
    assert kept.last is None
    assert kept._bytes == 0
