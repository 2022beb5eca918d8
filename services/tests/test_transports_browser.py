"""The transports page in real Chromium: what it shows is what the wire carried."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.async_api import Browser, Page, Route, expect

from rig.axe import violations
from rig.browser import SECONDS, open_browser
from rig.cable import Cable
from rig.servers import Server
from rig.stack import Stack, press

PATHS = {
    "short": "/api/counters/demo/",
    "long": "/ws/poll/",
    "sse": "/ws/sse/",
    "websocket": "/ws/",
    "uni": "/ws/uni/",
}
LANES = list(PATHS)
CHANGES = 20
TOLERANCE = 0.05
ASKED = 3  # times for the processor time, in a turn of six seconds


async def figure(page: Page, lane: str, name: str) -> int:
    """Return a figure of a lane."""
    return int((await page.locator(f"#{lane} [data-figure={name}]").inner_text()).replace(",", ""))


async def until_quiet(cable: Cable, since: int) -> None:
    """Wait until something has passed since *since* and nothing passes any more."""
    passed = since
    while cable.passed == since or cable.passed != passed:
        passed = cable.passed
        await asyncio.sleep(1)


@dataclass
class Run:
    """What a lane showed, and what the wire says."""

    requests: int
    shown: int
    passed: int
    sent: int


async def measure(browser: Browser, target: int, lane: str, ready: asyncio.Barrier, changed: asyncio.Event) -> Run:
    """Run one lane through a cable of its own, while somebody else changes the counter."""
    async with Cable(target) as cable:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{cable.port}/transports/#{lane}", wait_until="networkidle")
        await page.locator("#rate").fill("0")
        before = (cable.passed, cable.sent)
        await page.get_by_role("button", name="Start").click()
        await until_quiet(cable, before[0])
        await ready.wait()
        await changed.wait()
        await expect(page.locator(f"#{lane} [data-figure=updates]")).to_have_text(str(CHANGES), timeout=SECONDS * 1000)
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(f"#{lane} [data-figure=open]")).to_have_text("0")
        await asyncio.sleep(0.5)  # the figures are drawn four times a second
        requests, shown = await figure(page, lane, "requests"), await figure(page, lane, "bytes")
        run = Run(requests, shown, cable.passed - before[0], cable.sent - before[1])
        await page.close()
    return run


def logged(log: Path, since: int) -> dict[str, tuple[int, int]]:
    """Return the requests and the bytes of each lane that the edge has logged after its first *since* bytes."""
    lines = [line.split() for line in log.read_bytes()[since:].decode().splitlines() if " GET " in line]
    of = {lane: [int(line[4]) for line in lines if line[2] == PATHS[lane]] for lane in LANES}
    return {lane: (len(sizes), sum(sizes)) for lane, sizes in of.items()}


async def test_requests_and_bytes_are_those_of_the_wire(stack: Stack, http: httpx.AsyncClient) -> None:
    """Bytes are what a cable counts, both ways, and the edge's log, one way; requests are that log's lines."""
    log = stack.directory / "edge.log"
    ready, changed = asyncio.Barrier(len(LANES) + 1), asyncio.Event()
    async with open_browser() as browser:
        since = log.stat().st_size
        runs = [asyncio.create_task(measure(browser, stack.edge.port, lane, ready, changed)) for lane in LANES]
        await asyncio.wait_for(ready.wait(), 2 * SECONDS)
        await press(http, CHANGES)
        changed.set()
        measured = dict(zip(LANES, await asyncio.gather(*runs), strict=True))
    seen = logged(log, since)
    print({lane: (run, seen[lane]) for lane, run in measured.items()})

    assert {lane: run.requests for lane, run in measured.items()} == {lane: seen[lane][0] for lane in LANES}
    assert [each for each, run in measured.items() if not is_close(run.shown, run.passed)] == []
    assert [each for each, run in measured.items() if not is_close(run.shown - run.sent, seen[each][1])] == []


def is_close(shown: float, true: float) -> bool:
    """Tell whether what is shown is within a twentieth of what is true."""
    return abs(shown - true) < TOLERANCE * true


def seconds_in(server: Server) -> float:
    """What /proc says that a server and its children have had of the processor."""
    assert server.process is not None
    first = psutil.Process(server.process.pid)
    threads = [
        each for process in (first, *first.children()) for each in Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    ]
    return sum(int(each.read_text().split()[0]) for each in threads) / 1e9


async def processor_time(stack: Stack, lanes: list[str], address: str = "") -> dict[str, tuple[float, float]]:
    """Let *lanes* take their turns; return what each showed, and what /proc said when it did."""
    servers = {"pages": stack.api, "sockets": stack.realtime}
    asked: dict[str, list[tuple[float, dict[str, float]]]] = defaultdict(list)

    async def listen(route: Route) -> None:
        answer = await route.fetch()
        read = {name: seconds_in(server) for name, server in servers.items()}
        for lane in await page.locator("[data-alone]").evaluate_all("(lanes) => lanes.map(({ id }) => id)"):
            asked[lane].append(((await answer.json())["at"], read))
        await route.fulfill(response=answer)

    async with open_browser() as browser:
        page = await browser.new_page()
        await page.route("**/transports/processor/", listen)
        await page.goto(f"{stack.url}/transports/{address}")
        await page.get_by_label("One after the other").check()
        await page.locator("#rate").fill("10")
        await page.get_by_role("button", name="Start").click()
        async with asyncio.timeout(len(lanes) * SECONDS):
            while any(len(asked[lane]) < ASKED for lane in lanes):
                await asyncio.sleep(0.2)
        await page.get_by_role("button", name="Stop").click()
        found = {}
        for lane in lanes:
            (began, first), *later = asked[lane]
            for name in servers:
                shown = float(await page.locator(f"#{lane} [data-figure={name}]").inner_text())
                spent = [1000 * (read[name] - first[name]) / (at - began) for at, read in later]
                found[f"{name} of {lane}"] = (shown, min(spent, key=lambda each: abs(each - shown)))
    print(found)
    return found


def are_far(shown: float, spent: float) -> bool:
    """Tell whether they are more than a fifth apart; a millisecond a second is the noise of idle servers."""
    return abs(shown - spent) > max(1.0, spent / 5)


async def test_processor_time_is_the_kernels(stack: Stack) -> None:
    """What a lane shows of pages and sockets while it runs alone is what /proc says."""
    found = await processor_time(stack, ["long"], "#long")

    assert {name: figures for name, figures in found.items() if are_far(*figures)} == {}


@pytest.mark.slow
async def test_processor_time_of_every_lane_is_the_kernels(stack: Stack) -> None:
    """One lane after the other."""
    found = await processor_time(stack, LANES)

    assert {name: figures for name, figures in found.items() if are_far(*figures)} == {}


async def test_the_page(stack: Stack) -> None:
    """It runs, its figures move in every lane, it stops, and axe has nothing to say."""
    complaints: list[str] = []
    async with open_browser() as browser:
        page = await browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{stack.url}/transports/")
        await page.get_by_role("button", name="Start").click()
        for lane in LANES:
            delay = page.locator(f"#{lane} [data-figure=delay]")
            await expect(delay).to_have_text(re.compile(r"\d"), timeout=SECONDS * 1000)
        await page.get_by_role("button", name="Stop").click()
        for lane in LANES:
            await expect(page.locator(f"#{lane} [data-figure=open]")).to_have_text("0")
        found = await violations(page)

    assert (found, complaints) == ([], [])
