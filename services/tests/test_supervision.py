"""What dies comes back by itself, and the open pages and clients catch up."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psutil
import pytest

from rig.browser import open_browser, shown_value, wait_for_value
from rig.demo_run import DemoRun, want_all
from rig.servers import wait_until
from rig.stack import press
from test_sdk_python import subscribed_client


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """A demo to break."""
    want_all()
    with DemoRun(tmp_path_factory.mktemp("supervision") / "demo") as running:
        yield running


def kill(demo: DemoRun, program: str) -> None:
    """End it with SIGKILL; wait for its successor, and for its children, who notice only after a moment."""
    before = psutil.Process(demo.pid_of(program))
    children = before.children(recursive=True)
    before.kill()
    wait_until(lambda: demo.pid_of(program) not in (0, before.pid), seconds=30, what=f"another {program}")
    wait_until(lambda: not psutil.wait_procs(children, timeout=0)[1], seconds=15, what="end of the children")


async def press_for_sure(http: httpx.AsyncClient, times: int) -> None:
    """Press as a person would: again, when it did not work."""
    pressed = 0
    while pressed < times:
        try:
            await press(http)
            pressed += 1
        except httpx.HTTPStatusError as error:
            assert error.response.status_code in (502, 503, 504)  # noqa: PT017 - anything else is a bug of ours


@pytest.mark.parametrize("program", ["api", "realtime", "redis", "outbox", "edge"])
async def test_killed_program_comes_back_and_everybody_catches_up(demo: DemoRun, program: str) -> None:
    """The page and an SDK client end with the right number; the client had every change once, in order."""
    ws_url = f"ws://localhost:{demo.port}/ws/"
    async with (
        httpx.AsyncClient(base_url=demo.url, timeout=30) as http,
        open_browser() as browser,
        subscribed_client(ws_url) as (events, subscribed),
    ):
        page = await browser.new_page()
        await page.goto(f"{demo.url}/counter/")
        before = await shown_value(page)
        await press(http)
        await wait_for_value(page, before + 1)
        kill(demo, program)
        await press_for_sure(http, 10)
        value = int((await http.get("/api/counters/demo/")).json()["value"])
        await wait_for_value(page, value)
        received = await events.take(value - before)

    assert subscribed.recoverable
    assert received == list(range(before + 1, value + 1))
