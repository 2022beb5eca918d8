"""``{% live %}`` in real Chromium: what was committed is on the page, whatever happens to its line."""

from __future__ import annotations

import asyncio
import random

import pytest
from playwright.async_api import Page, Route, expect

from rig.browser import open_browser
from rig.cable import Cable
from rig.live_site import LiveSite, Orders, log_in, open_page

pytest_plugins = ["rig.live_fixtures"]

MS = 20_000


async def is_live(page: Page) -> None:
    """Wait until the page says so."""
    await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=MS)


async def shows(page: Page, number: object) -> None:
    """Wait until the page shows *number*."""
    await expect(page.locator(".number").first).to_have_text(str(number), timeout=MS)


NOTE = """() => {
  window.shown = [];
  const block = document.querySelector("tandem-live");
  const note = () => {
    const number = Number(block.querySelector(".number").textContent);
    if (number !== shown.at(-1)) shown.push(number);
  };
  note();
  block.addEventListener("tandem:changed", note);
}"""
"""Note each number that the page shows."""


async def test_a_change_is_shown_in_every_tab(live_site: LiveSite, orders: Orders) -> None:
    """At once where few look: ten tabs, one connection."""
    pk = await orders.create()
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url)
        pages = [await open_page(context, live_site.url, "order", pk) for _ in range(10)]
        for page in pages:
            await is_live(page)
        started = asyncio.get_running_loop().time()
        await orders.change(pk, number=7)
        for page in pages:
            await shows(page, 7)
        took = asyncio.get_running_loop().time() - started
        print(f"ten tabs after {took:.2f} s")

        assert took < 3


async def test_a_change_after_the_query_is_on_the_page(live_site: LiveSite, orders: Orders) -> None:
    """Between the view's query and the tag: the tag reads again, and nobody asks."""
    pk = await orders.create()
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url)
        page = await open_page(context, live_site.url, "order", pk, between=1)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await shows(page, 1)
        await is_live(page)

        assert [url for url in asked if "fragment" in url] == []


async def test_a_change_before_the_subscription_is_on_the_page(live_site: LiveSite, orders: Orders) -> None:
    """Between the answer and the subscription: what was missed is recovered."""
    pk = await orders.create()
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url)

        async def late(route: Route) -> None:
            await orders.change(pk, number=5)
            await route.continue_()

        page = await context.new_page()
        await page.route("**/tandem.js", late)
        await page.goto(f"{live_site.url}/order/{pk}/")
        await shows(page, 5)
        await is_live(page)


async def test_cuts_at_random_end_as_a_reload_would(live_site: LiveSite, orders: Orders) -> None:
    """5 cuts during 40 changes: the page ends right, and never shows an older state than before."""
    await cut_at_random(live_site, orders, cuts=5, changes=40)


@pytest.mark.slow
async def test_a_hundred_cuts_end_as_a_reload_would(live_site: LiveSite, orders: Orders) -> None:
    """100 cuts during 500 changes."""
    await cut_at_random(live_site, orders, cuts=100, changes=500)


async def cut_at_random(live_site: LiveSite, orders: Orders, *, cuts: int, changes: int) -> None:
    """Cut the line of a page, its requests and its socket alike, while an order and a list change."""
    dice = random.Random(20_261_125)
    pk = await orders.create()
    async with Cable(live_site.edge.port) as cable, open_browser() as browser:
        url = f"http://127.0.0.1:{cable.port}"
        context = await browser.new_context()
        await log_in(context, url)
        page, table = [await open_page(context, url, name, pk) for name in ("order", "list")]
        for each in (page, table):
            await is_live(each)
        await page.evaluate(NOTE)

        async def cut() -> None:
            for _ in range(cuts):
                cable.cut()
                await asyncio.sleep(dice.uniform(0, 0.5))
                cable.mend()
                await asyncio.sleep(dice.uniform(0, 1))

        cutting = asyncio.create_task(cut())
        for number in range(1, changes + 1):
            await orders.change(pk, number=number)
            await asyncio.sleep(0.75 * cuts / changes)
        await cutting
        await shows(page, changes)
        # Each block asks for its part at a moment of its own.
        await expect(table.locator("tandem-live")).to_contain_text(str(changes), timeout=MS)
        for each in (page, table):
            await expect(each.locator("tandem-status")).to_have_attribute("state", "live", timeout=30_000)
        shown = await page.evaluate("shown")
        of_list = await table.locator("tandem-live").inner_text()
        await table.reload()

        assert shown == sorted(shown)
        assert of_list == await table.locator("tandem-live").inner_text()
        print(f"{len(shown)} of {changes} states shown")


async def test_rows_come_go_and_move(live_site: LiveSite, orders: Orders) -> None:
    """Each row stays the element that it is: what was typed in it goes with it."""
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url, "rows")
        first, second = [await orders.create(owner="rows", number=number) for number in (2, 1)]
        page = await open_page(context, live_site.url, "list", first)
        await is_live(page)
        rows = page.locator("tandem-live tr")
        await page.locator(f"[name=remark-{second}]").fill("half a sen")
        await page.evaluate("window.row = document.activeElement.closest('tr')")
        third = await orders.create(owner="rows", number=3)
        await expect(rows.first).to_have_id(f"order-{third}", timeout=MS)
        await orders.change(second, number=9)
        await expect(rows.first).to_have_id(f"order-{second}", timeout=MS)
        await orders.remove(first)
        await expect(rows).to_have_count(2, timeout=MS)

        assert await page.evaluate("document.querySelector('tandem-live tr') === row")
        assert await page.evaluate("document.activeElement.value") == "half a sen"


FORM = """() => {
  const [closed, served] = document.querySelectorAll("details");
  const form = document.forms[0];
  return {
    opened: [closed.open, served.open],
    typed: form.typed.value,
    untouched: form.untouched.value,
    text: form.text.value,
    ticked: [form.ticked.checked, form.served.checked],
    chosen: form.chosen.value,
    focus: document.activeElement.name,
    caret: [form.caret.selectionStart, form.caret.selectionEnd],
    kept: document.querySelector("#kept").textContent,
    selected: getSelection().toString(),
    ran: [window.ran, window.runs],
  };
}"""


async def test_what_the_user_does_stays(live_site: LiveSite, orders: Orders) -> None:
    """Focus, caret, half-typed text, ticks, choices, opened details; what nobody touched follows the server."""
    pk = await orders.create(number=1)
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url)
        page = await open_page(context, live_site.url, "form", pk)
        await is_live(page)
        await page.evaluate("window.ran = null")
        await page.locator("summary").first.click()
        await page.locator("[name=typed]").fill("half")
        await page.locator("[name=ticked]").check()
        await page.locator("[name=chosen]").select_option("two")
        await page.locator("[name=caret]").focus()
        await page.evaluate("document.activeElement.setSelectionRange(2, 4)")
        await orders.change(pk, number=9)
        await shows(page, "Number 9 of many")
        first = await page.evaluate(FORM)
        await orders.change(pk, number=8)
        await shows(page, "Number 8 of many")
        second = await page.evaluate(FORM)

        assert first == {
            "opened": [True, False],  # the second one was closed by the server
            "typed": "half",
            "untouched": "9",
            "text": "Text 9",
            "ticked": [True, True],
            "chosen": "two",
            "focus": "caret",
            "caret": [2, 4],
            "kept": "1",
            "selected": "te",
            "ran": [None, 1],  # by the page itself, when it was loaded
        }
        assert second == {**first, "untouched": "8", "text": "Text 8"}


async def test_text_that_is_selected_stays_so(live_site: LiveSite, orders: Orders) -> None:
    """What is around a change is not touched."""
    pk = await orders.create(number=1)
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url)
        page = await open_page(context, live_site.url, "form", pk)
        await is_live(page)
        await page.evaluate("""() => {
          const text = document.querySelector(".number").firstChild;
          getSelection().setBaseAndExtent(text, text.data.indexOf("many"), text, text.data.length);
        }""")
        await orders.change(pk, number=12_345)
        await shows(page, "Number 12345 of many")

        assert await page.evaluate("getSelection().toString()") == "many"


async def test_html_in_data_is_text(live_site: LiveSite, orders: Orders) -> None:
    """The template escapes it, and what it escapes stays so."""
    pk = await orders.create()
    note = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url)
        page = await open_page(context, live_site.url, "order", pk)
        await is_live(page)
        await orders.change(pk, note=note)
        await expect(page.locator(".note")).to_have_text(note, timeout=MS)

        assert await page.locator("tandem-live img, tandem-live script").count() == 0


async def test_pushed_html(live_site: LiveSite, orders: Orders) -> None:
    """Rendered once, shown without a request."""
    pk = await orders.create()
    async with open_browser() as browser:
        page = await open_page(await browser.new_context(), live_site.url, "pushed", pk)
        await is_live(page)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for number in range(1, 21):
            await orders.push(pk, number)
        await shows(page, 20)
        await asyncio.sleep(2)

        assert [url for url in asked if "fragment" in url] == []


async def test_a_pushed_block_asks_where_no_html_comes(live_site: LiveSite, orders: Orders) -> None:
    """A change that was only told: by somebody who does not push, or died before."""
    pk = await orders.create()
    async with open_browser() as browser:
        page = await open_page(await browser.new_context(), live_site.url, "pushed", pk)
        await is_live(page)
        await orders.change(pk, number=3)
        await shows(page, 3)


async def test_what_the_page_itself_caused(live_site: LiveSite, orders: Orders) -> None:
    """Its block shows that too, once, though others' handlers leave out what their own tab caused."""
    pk = await orders.create()
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url)
        page, other = [await open_page(context, live_site.url, "order", pk) for _ in range(2)]
        for each in (page, other):
            await is_live(each)
        await page.evaluate(NOTE)
        await page.evaluate(f"tandem.connect().post('/change/{pk}/?number=4', {{}})")
        for each in (page, other):
            await shows(each, 4)

        assert await page.evaluate("shown") == [0, 4]
