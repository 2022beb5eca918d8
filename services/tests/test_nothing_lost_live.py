"""The promise as a property, over real servers in every arrangement: each publication once, in order, or told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rig.adversity import CLIENTS, CUT, EMPTY, LOSE_A_MESSAGE, Step, deliver
from rig.arranged import ARRANGEMENTS, Arranged, One
from rig.arrangements import serving

EXAMPLES = 12
MOST_STEPS = 8

numbers = itertools.count()


@contextlib.contextmanager
def served(arranged: Arranged, directory: Path) -> Iterator[list[str]]:
    """Start a realtime process for each deployment, and yield where their sockets are."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(serving(directory, settings)) for settings in arranged.deployments]


def play(arranged: Arranged, urls: Sequence[str], steps: Sequence[Step]) -> None:
    """Let *steps* happen in a channel of their own."""
    asyncio.run(deliver(arranged, urls, f"public:numbers.{next(numbers)}", steps))


def test_all_that_can_happen_to_one_redis(tmp_path: Path) -> None:
    """Once each: nothing that is harmless tells anybody, and what is not tells everybody or loses nothing."""
    with One(tmp_path) as arranged, served(arranged, tmp_path) as urls:
        play(arranged, urls, [(CUT, 1), (LOSE_A_MESSAGE, 0), *((name, 0) for name in arranged.happenings)])
        play(arranged, urls, [(EMPTY, 0), (CUT, 2), *((name, 0) for name in arranged.failures)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_whatever_happens_in_every_arrangement(tmp_path: Path, name: str) -> None:
    """In any order: connections end, scripts and streams go, messages are lost, servers freeze, fail and move."""
    with ARRANGEMENTS[name](tmp_path) as arranged, served(arranged, tmp_path) as urls:
        names = [CUT, LOSE_A_MESSAGE, EMPTY, *arranged.happenings, *arranged.failures]
        step = st.tuples(st.sampled_from(names), st.integers(0, CLIENTS - 1))

        # Servers take their time: what failed is told as it came, not looked for in a shorter form.
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(st.lists(step, min_size=2, max_size=MOST_STEPS))
        def whatever_happens(steps: list[Step]) -> None:
            play(arranged, urls, steps)

        whatever_happens()
