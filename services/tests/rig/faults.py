"""How large a fault is tried, and the load under which it comes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from rig.fleet import Fleet
from rig.keeper import Keeper
from rig.load import Commits, watching

COUNTERS = [f"load-{number}" for number in range(50)]
UNSEEN = "unseen"
SLOW = "slow"
WHOLE_SECONDS = 5
DRAINED_SECONDS = 10
BACK_SECONDS = 15


class Form(NamedTuple):
    """
    How large a fault is tried: tabs on how many counters, writes a second and as many reads, for how long, how often.

    As many counters as it takes for the tabs, which are one process, to keep up with all that they missed.
    *slack* is how many seconds later than promised things may be where others use the machine too, and *share* of the
    requests have to be answered in their usual time.
    """

    tabs: int
    counters: int
    rate: int
    away_seconds: float
    rounds: int
    slack: float
    share: float


SHORT, LONG = Form(100, 10, 10, 30, 2, 10, 0.5), Form(500, 50, 20, 300, 8, 0, 0.99)
forms = pytest.mark.parametrize("form", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)], ids=["short", "long"])


@contextlib.asynccontextmanager
async def under_load(
    fleet: Fleet, tabs: int, counters: list[str] = COUNTERS[:10]
) -> AsyncIterator[tuple[list[Keeper], Commits]]:
    """Tabs that watch the counters, and what commits to them. Nothing waits from before."""
    await until_drained(fleet, DRAINED_SECONDS + SHORT.slack)
    commits = Commits(fleet.url, counters)
    try:
        async with watching(fleet.ws_url, counters, tabs) as keepers:
            yield keepers, commits
    finally:
        await commits.close()


async def until_drained(fleet: Fleet, seconds: float) -> None:
    """Wait until no publication waits in the outbox."""
    until = time.monotonic() + seconds
    while waiting := await asyncio.to_thread(fleet.waiting_rows):
        assert time.monotonic() < until, f"{waiting} rows wait after {seconds:g} s"
        await asyncio.sleep(0.1)
