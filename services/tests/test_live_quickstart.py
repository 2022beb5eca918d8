"""
The documentation's pages on live blocks and on models, done as they say.

From an empty folder to a live list of orders; then to what its channels tell, and to PostgreSQL, whose triggers notice
what goes past Django.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from rig.browser import SECONDS, open_browser
from rig.pages import section
from rig.postgres import PostgresServer
from rig.reader import carry_out, follow, log_in
from rig.servers import SERVICES, Server, find_program

DOCS = SERVICES / "tandem" / "docs"
HEADING = "Five minutes: a live list of orders"
MODELS = (DOCS / "models.md").read_text()
TRIGGERS = "Triggers: what goes past Django"
MS = SECONDS * 1000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The project that the page makes, served by its last command, on a port of the test's."""
    started = time.monotonic()
    text = section((DOCS / "live.md").read_text(), HEADING)
    with follow(text, tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("wheels")) as server:
        print(f"from the empty folder to the first answer: {time.monotonic() - started:.0f} s")
        yield server


async def test_the_list_is_live_in_the_other_window(site: Server) -> None:
    """What ann orders, ships and drops in one; what she has half typed in the other stays. bob has his own list."""
    url = f"http://127.0.0.1:{site.port}/orders/"
    async with open_browser() as browser:
        ann = await browser.new_context()
        first, second = await ann.new_page(), await ann.new_page()
        await log_in(first, url, "ann")
        await second.goto(url)
        bob = await (await browser.new_context()).new_page()
        await log_in(bob, url, "bob")
        for page in (first, second, bob):
            await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=MS)
        await second.get_by_placeholder("What?").fill("half a sen")
        rows = second.locator("tandem-live tr")

        for what in ("Tea", "Cake"):
            await first.get_by_placeholder("What?").fill(what)
            await first.get_by_role("button", name="Order").click()
        await expect(rows).to_have_text(["Cake new Ship Drop", "Tea new Ship Drop"], timeout=MS)
        await first.get_by_role("row", name="Tea").get_by_role("button", name="Ship").click()
        await expect(rows).to_have_text(["Cake new Ship Drop", "Tea shipped Ship Drop"], timeout=MS)
        await first.get_by_role("row", name="Cake").get_by_role("button", name="Drop").click()
        await expect(rows).to_have_text(["Tea shipped Ship Drop"], timeout=MS)

        assert await second.get_by_placeholder("What?").input_value() == "half a sen"
        assert await bob.locator("tandem-live tr").count() == 0


async def test_models_tell_their_channels(site: Server) -> None:
    """What one hears of a save and of an `update()` behind a `touch` is what the page on models says."""
    carry_out(MODELS.partition(f"## {TRIGGERS}")[0], site.cwd, site.env)
    [example] = [json.loads(found) for found in re.findall(r"^```json\n(.*?)^```$", MODELS, re.MULTILINE | re.DOTALL)]
    async with open_browser() as browser:
        page = await browser.new_page()
        await open_orders(page, site)
        pk = create(site, "Pie")
        await expect(page.locator("tandem-live")).to_contain_text("Pie new", timeout=MS)
        await hear(page, f"order:{pk}")
        shell(
            site,
            "from orders.tasks import *; from django.contrib.auth.models import User; pay_all(User.objects.get(pk=1))",
        )
        await expect(page.locator("tandem-live")).to_contain_text("Pie paid", timeout=MS)

        assert await page.evaluate("heard") == [{**example, "pk": pk}]


async def test_triggers_notice_what_goes_past_django(site: Server) -> None:
    """The same project on PostgreSQL: what psql changes, as the page on models says, is on the page of orders."""
    text = section(MODELS, TRIGGERS)
    [outside] = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    folder = Path(find_program("createdb")).parent
    with PostgresServer() as postgres:
        its_own = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGUSER": "tandem"}
        environ = {**site.env, **its_own, "PATH": f"{folder}{os.pathsep}{site.env['PATH']}"}
        site.stop()
        carry_out(text, site.cwd, environ)
        site.env = environ
        site.start()
        try:
            async with open_browser() as browser:
                page = await browser.new_page()
                await open_orders(page, site)
                pk = create(site, "Jam")
                await expect(page.locator("tandem-live")).to_contain_text("Jam new", timeout=MS)
                await hear(page, f"order:{pk}")
                await asyncio.to_thread(
                    subprocess.run, outside, shell=True, env=environ, check=True, capture_output=True
                )
                await expect(page.locator("tandem-live")).to_contain_text("Jam sent", timeout=MS)
                heard = await page.evaluate("heard")
        finally:
            site.stop()

    assert heard == [{"event": "changed", "model": "orders.order", "pk": pk, "data": {"status": "sent"}}]


async def open_orders(page: Page, site: Server) -> None:
    """Log ann in and wait until her list is live."""
    await log_in(page, f"http://127.0.0.1:{site.port}/orders/", "ann")
    await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=MS)


async def hear(page: Page, channel: str) -> None:
    """Have the page note what *channel* tells from now on."""
    await page.evaluate(
        """async (channel) => {
          window.heard = [];
          const mine = tandem.subscribe(channel, { onPublication: (data) => heard.push(data) });
          while (mine.state !== "live") await new Promise((resolve) => setTimeout(resolve, 20));
        }""",
        channel,
    )


def create(site: Server, what: str) -> int:
    """Order something for ann, outside of the server."""
    return int(
        shell(site, f"from orders.models import Order; print(Order.objects.create(owner_id=1, what={what!r}).pk)")
    )


def shell(site: Server, code: str) -> str:
    """Run *code* in the project and return what it printed."""
    command = [".venv/bin/python", "manage.py", "shell", "-v", "0", "-c", code]
    return subprocess.run(command, cwd=site.cwd, env=site.env, check=True, capture_output=True, text=True).stdout
