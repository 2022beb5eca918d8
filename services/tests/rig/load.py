"""A steady load of commits on the example's counters, and tabs that watch them: who was answered when, who saw what."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from rig.keeper import Keeper


@dataclass
class Answers:
    """What became of requests: how long each took, in seconds, and which were refused or failed."""

    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the time within which that *share* was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Commits:
    """Increments counters, one after the other, through the edge; `values` has what each counter was said to be."""

    def __init__(self, url: str, counters: list[str]) -> None:
        self.values: dict[str, list[int]] = {name: [] for name in counters}
        self.writes = Answers()
        self.reads = Answers()
        self._http = httpx.AsyncClient(base_url=url, timeout=10, limits=httpx.Limits(max_connections=50))

    def reset(self) -> None:
        """Forget how requests were answered so far, but not what was committed."""
        self.writes, self.reads = Answers(), Answers()

    async def run(self, seconds: float, *, per_second: float) -> None:
        """Commit at that rate, on time whatever the answers take, and read a page for each write."""
        names, started, sent = list(self.values), time.monotonic(), 0
        async with asyncio.TaskGroup() as tasks:
            while (due := started + sent / per_second) < started + seconds:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                name = names[sent % len(names)]
                tasks.create_task(self._write(name))
                tasks.create_task(self._ask("GET", f"/api/counters/{name}/", self.reads))
                sent += 1

    async def _write(self, name: str) -> None:
        if answer := await self._ask("POST", f"/api/counters/{name}/increment/", self.writes):
            self.values[name].append(answer["value"])

    async def _ask(self, method: str, path: str, answers: Answers) -> dict[str, Any] | None:
        started = time.monotonic()
        try:
            response = await self._http.request(method, path)
        except httpx.HTTPError as error:
            answers.refused.append(f"{method} {path}: {error!r}")
            return None
        answers.seconds.append(time.monotonic() - started)
        if response.status_code >= 300:
            answers.refused.append(f"{method} {path}: {response.status_code} {response.text[:100]}")
            return None
        return dict(response.json())

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()


def counter_channel(name: str) -> str:
    """Return the channel of a counter of the example."""
    return f"public:counter.{name}"


@contextlib.asynccontextmanager
async def watching(url: str, counters: list[str], tabs: int) -> AsyncIterator[list[Keeper]]:
    """Open so many *tabs*, each on one of the *counters* in turn."""
    keepers = [
        Keeper(url, counter_channel(counters[number % len(counters)]), number_of=lambda data: int(data["value"]))
        for number in range(tabs)
    ]
    async with contextlib.AsyncExitStack() as opened:
        for start in range(0, tabs, 100):
            await asyncio.gather(*(opened.enter_async_context(keeper) for keeper in keepers[start : start + 100]))
        yield keepers


async def until_caught_up(
    keepers: list[Keeper], commits: Commits, *, seconds: float, end_of: Callable[[str], int] | None = None
) -> float:
    """
    Wait until every tab shows what was committed last; return how long that took. Raises `TimeoutError`.

    One that was told to reload has read the row, and shows that: it is behind while it does not stand at the end of its
    channel's stream, which *end_of* tells.
    """
    started = time.monotonic()

    def is_behind(keeper: Keeper, last: int) -> bool:
        if keeper.record.told_at and end_of is not None:
            return keeper.position is None or keeper.position.offset < end_of(keeper.channel)
        return not keeper.record.seen or keeper.record.seen[-1] < last

    def behind() -> list[str]:
        last = {counter_channel(name): max(values, default=0) for name, values in commits.values.items()}
        return [
            f"{keeper.channel} at {keeper.record.seen[-1:]} of {last[keeper.channel]}, told at {keeper.record.told_at}"
            for keeper in keepers
            if last[keeper.channel] and is_behind(keeper, last[keeper.channel])
        ]

    while late := behind():
        if time.monotonic() > started + seconds:
            raise TimeoutError(f"{len(late)} tabs are behind after {seconds:g} s, the first {late[0]}")
        await asyncio.sleep(0.05)
    return time.monotonic() - started


def assert_all_arrived(keepers: list[Keeper], commits: Commits) -> None:
    """
    Every committed value came once and in order to every tab, or the tab was told to reload; and no other value.

    A counter's values have no holes, so neither have a tab's, from where it began or was told last. What a request
    that failed did is not known: it may have committed.
    """
    failed = len(commits.writes.refused)
    for keeper in keepers:
        record = keeper.record
        assert record.faults == [], keeper.channel
        since = record.since_told
        assert since == list(range(since[0], since[-1] + 1)) if since else True, keeper.channel
        answered = commits.values[keeper.channel.removeprefix(counter_channel(""))]
        assert len(set(since) - set(answered)) <= failed, f"{keeper.channel}: values that nobody committed"
    for name, values in commits.values.items():
        assert sorted(set(values)) == sorted(values), f"{name} was answered one value twice"
