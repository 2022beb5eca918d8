"""Many viewers of one live block, without a browser: tandem.js and the element as they are, in processes of node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import psutil

from rig.sdk_client import FOLDER
from rig.servers import find_program, npm_file

SECONDS = 180
"""How long it may take a crowd to gather: each loads a page."""


class Seen(NamedTuple):
    """When viewers asked, and what each of them showed when: ``(number, time)``. Times as `time.time` has them."""

    asked: list[float]
    shown: list[list[tuple[int, float]]]

    def late(self, changes: Sequence[float]) -> list[float]:
        """
        Return for how long each viewer showed something old, each time, in seconds, sorted.

        The change at *changes[n]* was to the number n + 1. A viewer that never showed a change is late for ever.
        """
        late = []
        for of_viewer in self.shown:
            had = 0
            for number, at in of_viewer:
                if number > had:
                    late.append(at - changes[had])  # the oldest that it did not show yet
                    had = number
            if had < len(changes):
                late.append(float("inf"))
        return sorted(late)


class Crowd:
    """Viewers that are there. `leave` returns what they saw."""

    def __init__(self, processes: Sequence[asyncio.subprocess.Process]) -> None:
        self._processes = processes

    def cpu(self) -> float:
        """Return the processor seconds that they have used themselves."""
        return sum(sum(psutil.Process(process.pid).cpu_times()[:2]) for process in self._processes)

    async def leave(self) -> Seen:
        """Have them tell what they saw, and end."""
        told = [json.loads((await process.communicate(b""))[0]) for process in self._processes]
        return Seen(
            sorted(at / 1000 for each in told for at in each["asked"]),
            [[(number, at / 1000) for number, at in viewer] for each in told for viewer in each["shown"]],
        )


@asynccontextmanager
async def crowd(url: str, cookie: str, viewers: int, *, processes: int = 1) -> AsyncIterator[Crowd]:
    """Have so many *viewers* look at the page *url* with the login of *cookie*, until all of them are live."""
    npm_file("ws")
    shares = [viewers // processes + (number < viewers % processes) for number in range(processes)]
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(_process(url, cookie, share)) for share in shares]
        async with asyncio.timeout(SECONDS):
            for process in running:
                assert process.stdout is not None
                line = await process.stdout.readline()
                assert line == b"live\n", line
        yield Crowd(running)


@asynccontextmanager
async def _process(*arguments: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        find_program("node"),
        str(FOLDER / "crowd.mjs"),
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
