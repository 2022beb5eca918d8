"""The search for cycles: little at a time, and whatever lasts is not searched again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from tandem_realtime.collector import NEVER, YOUNG, Collector


class Thing:
    """Something that can be in a cycle."""

    me: Thing


@pytest.fixture
def collector() -> Iterator[Collector]:
    """What a process begins with; Python's own choice afterwards."""
    before = gc.get_threshold()
    collector = Collector()
    yield collector
    collector.stop()
    gc.set_threshold(*before)
    gc.unfreeze()


def cycle() -> weakref.ref[Thing]:
    thing = Thing()
    thing.me = thing
    return weakref.ref(thing)


def test_new_cycle_is_found(collector: Collector) -> None:
    """After a few thousand new objects, whatever was there before."""
    gone = cycle()
    kept = [[] for _ in range(2 * YOUNG)]  # type: ignore[var-annotated]

    assert gone() is None
    assert gc.get_threshold() == (YOUNG, NEVER, NEVER)
    assert kept


def test_what_lasts_is_searched_no_more(collector: Collector) -> None:
    """However much there is, a search goes through the last few thousand objects."""
    before = gc.get_freeze_count()
    kept = [[] for _ in range(20 * YOUNG)]  # type: ignore[var-annotated]

    assert gc.get_freeze_count() - before > 10 * YOUNG
    assert len(gc.get_objects()) < 2 * YOUNG
    assert kept


def test_cycle_that_had_lasted_is_found_when_there_is_much_more(collector: Collector) -> None:
    """At a look now and then."""
    thing = Thing()
    thing.me = thing
    gone = weakref.ref(thing)
    kept = [[] for _ in range(4 * YOUNG)]  # type: ignore[var-annotated]
    del thing
    collector.look()
    early = gone() is None
    kept += [[] for _ in range(gc.get_freeze_count())]
    collector.look()

    assert not early
    assert gone() is None
