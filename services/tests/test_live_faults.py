"""Live blocks when something is wrong: the page is told, shows nothing that it may not, and heals by itself."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from rig.live_site import LiveSite, Orders, log_in, open_page

pytest_plugins = ["rig.live_fixtures"]

MS = 20_000
BLOCK = "tandem-live"
NOTE = """() => {
  window.told = [];
  document.addEventListener("tandem:live", ({ detail }) => told.push([detail.state, detail.reason]));
}"""


async def opened(context: BrowserContext, live_site: LiveSite, template: str, pk: int) -> Page:
    """A tab that is live and notes what its block tells."""
    page = await open_page(context, live_site.url, template, pk)
    await page_is(page, "live")
    await page.evaluate(NOTE)
    return page


async def page_is(page: Page, state: str, *, ms: float = MS) -> None:
    """Wait until the page's light says *state*."""
    await expect(page.locator("tandem-status")).to_have_attribute("state", state, timeout=ms)


async def block_is(page: Page, state: str) -> None:
    """Wait until the block says *state*."""
    await expect(page.locator(BLOCK)).to_have_attribute("state", state, timeout=MS)


async def shows(page: Page, number: object, *, ms: float = MS) -> None:
    """Wait until the page shows *number*."""
    await expect(page.locator(".number").first).to_have_text(str(number), timeout=ms)


async def test_a_right_that_was_taken_back(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """The order is somebody else's now: the block shows nothing of it, and the page does not call itself live."""
    pk = await orders.create()
    page = await opened(context, live_site, "order", pk)
    await orders.change(pk, owner=2, number=5)
    await block_is(page, "refused")
    await page_is(page, "refused")

    assert await page.locator(BLOCK).inner_text() == ""
    assert await page.evaluate("told") == [["refused", "not allowed"]]


async def test_a_page_of_another_login(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """The browser's login is another one: what the page shows stays as it was, and it says so."""
    pk = await orders.create(number=3)
    page = await opened(context, live_site, "order", pk)
    await log_in(context, live_site.url, "bea")
    await page.evaluate("document.querySelector('tandem-live').refresh()")
    await block_is(page, "refused")

    assert await page.locator(".number").inner_text() == "3"
    assert await page.evaluate("told") == [["refused", "another login"]]


async def test_a_reference_that_was_changed(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """Of another partial, of another order: refused, and told."""
    pk = await orders.create()
    page = await opened(context, live_site, "order", pk)
    await page.evaluate("document.querySelector('tandem-live').setAttribute('reference', 'x.y.z')")
    await orders.change(pk, number=4)
    await block_is(page, "refused")

    assert await page.evaluate("told") == [["refused", "forged"]]


async def test_a_partial_that_raises(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """The page is stale, with what it had, until the partial works again."""
    pk = await orders.create()
    page = await opened(context, live_site, "fragile", pk)
    await orders.change(pk, number=1, note="raise")
    await page_is(page, "stale")
    before = await page.locator(".number").inner_text()
    await orders.change(pk, number=2, note="")
    await shows(page, 2)
    await page_is(page, "live")

    assert before == "0"
    assert await page.evaluate("told") == [["stale", "internal error"], ["live", ""]]


async def test_a_partial_that_grew_too_large(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """The page is told why, in a sentence."""
    pk = await orders.create()
    page = await opened(context, live_site, "fragile", pk)
    await orders.change(pk, number=1, note="large")
    await page_is(page, "stale")
    [[state, reason]] = await page.evaluate("told")
    await orders.change(pk, number=2, note="")
    await shows(page, 2)
    await page_is(page, "live")

    assert state == "stale"
    assert reason.startswith("fragile.html has 2000")
    assert "1048576 are the most (TANDEM['max_publication_bytes'])" in reason


async def test_an_order_that_was_deleted(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """The block is empty and says so; the page is live, since that is the truth."""
    pk = await orders.create()
    page = await opened(context, live_site, "order", pk)
    await orders.remove(pk)
    await block_is(page, "gone")
    await page_is(page, "live")

    assert await page.locator(BLOCK).inner_text() == ""


ANSWERS: dict[str, dict[str, Any]] = {
    "a page of a login": {"status": 200, "content_type": "text/html", "body": "<h1>Log in</h1>"},
    "an edge without an api": {"status": 502, "content_type": "text/html", "body": "<h1>Bad gateway</h1>"},
    "busy": {"status": 503, "headers": {"Retry-After": "1"}, "body": ""},
    "busy until a date": {"status": 503, "headers": {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "body": ""},
    "JSON that is none": {"status": 500, "content_type": "application/json", "body": "{"},
    "nothing": {},
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_something_else_in_the_place_of_a_fragment(
    live_site: LiveSite, orders: Orders, context: BrowserContext, answer: str
) -> None:
    """It is not shown, and not asked for all the time; the page is stale until the real one comes."""
    pk = await orders.create()
    page = await opened(context, live_site, "order", pk)

    asked = 0

    async def instead(route: Route) -> None:
        nonlocal asked
        asked += 1
        await (route.fulfill(**ANSWERS[answer]) if ANSWERS[answer] else route.abort())

    await page.route("**/fragment/", instead)
    await orders.change(pk, number=6)
    await page_is(page, "stale")
    before = await page.locator(BLOCK).inner_text()
    await asyncio.sleep(0.5)
    await page.unroute("**/fragment/")
    await shows(page, 6, ms=30_000)
    await page_is(page, "live")

    assert before.strip() == "0"
    assert asked < 10


async def test_redis_away(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """No page says live; a page that is loaded meanwhile shows the row; all are right soon after."""
    pk = await orders.create()
    page = await opened(context, live_site, "order", pk)
    live_site.redis.kill()
    await page_is(page, "stale")
    await orders.change(pk, number=8)
    late = await open_page(context, live_site.url, "order", pk)
    await shows(late, 8)
    in_between = await late.locator("tandem-status").get_attribute("state")
    live_site.redis.start()
    started = time.monotonic()
    for each in (page, late):
        await shows(each, 8)
        await page_is(each, "live")
    took = time.monotonic() - started
    await orders.change(pk, number=9)
    for each in (page, late):
        await shows(each, 9)

    print(f"right and live {took:.1f} s after Redis came back")
    assert in_between != "live"
    assert took < 8


async def test_api_killed(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """What its pages had stays; what was committed before is shown once it is back."""
    pk = await orders.create()
    page = await opened(context, live_site, "order", pk)
    hold = asyncio.Event()

    async def wait(route: Route) -> None:
        await hold.wait()
        await route.continue_()

    await page.route("**/fragment/", wait)
    await orders.change(pk, number=1)
    await asyncio.sleep(0.3)
    live_site.api.stop()
    hold.set()
    await page_is(page, "stale")
    live_site.api.start()
    await shows(page, 1, ms=30_000)
    await page_is(page, "live")


async def test_a_strict_policy(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """The browser has nothing to complain about, and nothing that a partial brings runs."""
    pk = await orders.create(number=1)
    page = await context.new_page()
    complaints: list[str] = []

    async def strict(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(
            response=answer,
            headers={**answer.headers, "Content-Security-Policy": "default-src 'self'; base-uri 'none'"},
        )

    await page.route("**/order/**", strict)
    await page.goto(f"{live_site.url}/order/{pk}/")
    await page_is(page, "live")
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await orders.change(pk, number=2)
    await shows(page, 2)

    assert complaints == []


async def test_scripts_of_a_partial_do_not_run(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """Without a policy, too: no script, no handler, no address that is one."""
    pk = await orders.create()
    page = await opened(context, live_site, "order", pk)
    html = """<p class="number">7</p><script>window.ran = 1</script><img src="/x.png" onerror="window.ran = 2">
        <iframe srcdoc="<script>parent.ran = 3</script>"></iframe><iframe src=" java\tscript:parent.ran = 4"></iframe>
        <svg onload="window.ran = 5"></svg><details open ontoggle="window.ran = 6"><summary>x</summary></details>
        <template><img src="/y.png" onerror="window.ran = 7"></template>"""

    async def evil(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, body=html)

    await page.route("**/fragment/", evil)
    await orders.change(pk, number=7)
    await shows(page, 7)
    await asyncio.sleep(1)

    assert await page.evaluate("window.ran ?? 0") == 0


async def test_a_block_that_is_moved_or_removed(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """It goes on where it is put, and asks no more when it is gone."""
    pk = await orders.create()
    page = await opened(context, live_site, "order", pk)
    await page.evaluate("document.body.prepend(document.querySelector('tandem-live'))")
    await orders.change(pk, number=1)
    await shows(page, 1)
    await page.evaluate("(window.block = document.querySelector('tandem-live')).remove()")
    await orders.change(pk, number=2)
    await asyncio.sleep(0.5)
    before = await page.evaluate("block.querySelector('.number').textContent")
    await page.evaluate("document.body.append(block)")
    await shows(page, 2)

    assert before == "1"
