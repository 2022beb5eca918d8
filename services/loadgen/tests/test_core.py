"""What is measured begins when nobody disturbs the core, or after a while all the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import chain, repeat

from loadgen.bench.core import LEARNING_LOOKS, MOST_LOOKS, REST_SECONDS, Core, look


def looking(looks: Iterator[float]) -> Callable[[], float]:
    """Return what sees one of *looks* after the other."""
    return lambda: next(looks)


def test_a_quiet_core_is_waited_for() -> None:
    """A neighbour's work, also during one of two looks, is let pass; what is a little slower is taken."""
    rests: list[float] = []
    core = Core(looking(chain(repeat(62.0, LEARNING_LOOKS), (104.0, 104.0), (62.0, 104.0), (70.0, 69.0))))

    assert core.settle(rests.append) == 70.0
    assert rests == [REST_SECONDS] * 2


def test_nobody_waits_for_ever() -> None:
    """A core that stays slow is what it is: after one wait in vain there is no second one."""
    rests: list[float] = []
    core = Core(looking(chain(repeat(62.0, LEARNING_LOOKS), repeat(104.0))))

    assert core.settle(rests.append) == 104.0
    assert len(rests) == MOST_LOOKS
    assert core.settle(rests.append) == 104.0
    assert len(rests) == MOST_LOOKS


def test_a_core_that_was_slow_from_the_first_is_known_by_its_better_moments() -> None:
    """What was learned in a bad moment is forgotten with the first good one."""
    rests: list[float] = []
    core = Core(looking(chain(repeat(104.0, LEARNING_LOOKS), (62.0, 62.0), (104.0, 104.0), (64.0, 63.0))))

    assert (core.settle(rests.append), core.settle(rests.append)) == (62.0, 64.0)
    assert len(rests) == 1


def test_a_look_takes_time_and_leaves_this_process_where_it_was() -> None:
    """On its own cores."""
    before = os.sched_getaffinity(0)

    assert look() > 0
    assert os.sched_getaffinity(0) == before
