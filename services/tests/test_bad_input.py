"""What people and browsers do to the pages: strange words, two logins in one browser, no cookies, a wrong clock."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, expect

from rig.axe import violations
from rig.browser import SECONDS, open_browser
from rig.stack import Stack
from tandem.presence import HOLD_SECONDS

MS = SECONDS * 1000
NASTY = [
    "<script>document.title = 'run'</script>",
    "\"'><img src=x onerror=\"document.title = 'run'\">",
    "x" * 10_240,
    "\N{BICYCLE}\N{ZERO WIDTH JOINER}\N{SPARKLES}",
    "\N{RIGHT-TO-LEFT OVERRIDE}שלום",
]
NO_LIMIT = "(field) => field.removeAttribute('maxlength')"  # else the browser says so, and sends nothing
YESTERDAY = "const now = Date.now; Date.now = () => now() - 864e5"
OVER = "You have signed out, or somebody else has signed in here since. Load the page again."

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all of them."""
    async with open_browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """Somebody's browser, with no cookies yet."""
    opened = await browser.new_context()
    yield opened
    await opened.close()


async def is_live(page: Page) -> None:
    """Wait until the light is on."""
    await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=MS)


async def opened(context: BrowserContext, url: str, complaints: list[str]) -> Page:
    """Open a page that tells what its scripts and its policy complain of."""
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("console", lambda message: complaints.append(message.text) if "Security" in message.text else None)
    await page.goto(url)
    return page


async def sign_in(page: Page, name: str) -> None:
    """Press a name, and wait until the page is live."""
    await page.get_by_role("button", name=name, exact=True).click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await is_live(page)


async def test_strange_orders(stack: Stack, context: BrowserContext) -> None:
    """They come over the line as text, to a page that listens too; what is too long is said beside the form."""
    complaints: list[str] = []
    page = await opened(context, stack.url, complaints)
    other = await opened(context, stack.url, complaints)
    await is_live(page)
    await is_live(other)
    field = page.get_by_label("What to order")
    await field.evaluate(NO_LIMIT)
    for words in NASTY:
        await field.fill(words)
        await page.get_by_role("button", name="Order", exact=True).click()
        if len(words) > 60:
            await expect(page.locator("#problem")).to_have_text(re.compile("^what: Ensure .* at most 60 characters"))
            continue
        for each in (page, other):
            await expect(each.locator(".orders b").first).to_have_text(words, timeout=MS)
    await page.reload()

    await expect(page.locator(".orders b").first).to_have_text(NASTY[-1])
    assert [await each.title() for each in (page, other)] == ["Tandem: real-time for Django"] * 2
    assert complaints == []


async def test_strange_notifications(stack: Stack, context: BrowserContext) -> None:
    """The bell shows them as text; what is too long is said beside the form."""
    complaints: list[str] = []
    page = await opened(context, stack.url, complaints)
    await sign_in(page, "Grace")
    await page.goto(f"{stack.url}/notifications/")
    sent = []
    for words in NASTY:
        await page.locator("#words").evaluate(NO_LIMIT)
        await page.locator("#words").fill(words)
        await page.get_by_role("button", name="Notify").click()
        if len(words) > 200:
            await expect(page.locator("#problem")).to_have_text(re.compile("^Ensure .* at most 200 characters"))
            continue
        await expect(page.locator("#words")).to_have_value("Hello there")  # the page after the form
        sent.append(words)
    await page.locator("tandem-inbox [part=bell]").click()
    for words in sent:
        shown = page.locator("tandem-inbox [part=list] > li", has_text=words)
        await expect(shown).to_have_count(1, timeout=MS)

    assert await page.title() == "Inbox · Tandem"
    assert complaints == []


async def test_strange_steps(stack: Stack, context: BrowserContext) -> None:
    """A field for a number takes none of them, and what comes all the same is refused in words."""
    complaints: list[str] = []
    page = await opened(context, f"{stack.url}/increment/", complaints)
    before = await page.locator("#value").inner_text()
    for words in NASTY:
        await page.locator("#by").evaluate("(field, words) => { field.type = 'text'; field.value = words; }", words)
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator("#problem")).to_have_text(re.compile(r"\w+ \w+"))
        assert "run" not in await page.title()

    assert await page.locator("#value").inner_text() == before
    assert complaints == []


async def test_two_people_on_one_browser(stack: Stack, context: BrowserContext) -> None:
    """The page of whoever was signed in first says that this is over; it shows and does nothing as the second."""
    first = await opened(context, stack.url, [])
    second = await opened(context, stack.url, [])
    await sign_in(first, "Ada")
    # Who has just left another page is here until that is told.
    await expect(first.locator(".who")).not_to_contain_text("Grace", timeout=(HOLD_SECONDS + 10) * 1000)
    await second.get_by_role("button", name="Grace", exact=True).click()  # a form from before Ada's login
    await expect(second.get_by_role("heading")).to_have_text("That form is out of date")
    await second.goto(stack.url)
    await second.get_by_role("button", name="Sign out").click()
    await sign_in(second, "Grace")
    await expect(first.locator("#problem")).to_have_text(OVER, timeout=MS)

    asked: list[str] = []
    first.on("request", lambda request: asked.append(request.url))
    await first.get_by_label("What to order").fill("Whose?")
    await first.get_by_role("button", name="Order", exact=True).click()
    await second.get_by_role("button", name="Say hello to Grace").click()
    await expect(second.locator("tandem-inbox [part=list] > li").first).to_contain_text("Grace says hello", timeout=MS)
    await first.locator("tandem-inbox [part=bell]").click()
    bell = first.locator("tandem-inbox")

    await expect(bell).to_contain_text("You are logged out. Load the page again.")
    await expect(bell).not_to_contain_text("says hello")
    await expect(first.locator(".who")).not_to_contain_text("Grace")
    await expect(first.locator("tandem-status")).to_have_attribute("state", "refused")
    assert [url for url in asked if url.endswith("/order/")] == []
    await expect(second.locator(".orders")).not_to_contain_text("Whose?")


async def test_without_cookies(stack: Stack, context: BrowserContext) -> None:
    """The page is there and live; whatever needs a cookie says that it does, in a page or beside the form."""
    complaints: list[str] = []
    page = await opened(context, stack.url, complaints)
    sent: list[str] = []

    async def note(request: Request) -> None:
        sent.append((await request.all_headers()).get("cookie", ""))

    await is_live(page)
    await context.clear_cookies()
    await page.get_by_role("button", name="Add one").click()
    needs = "your browser keeps no cookies, which it needs"
    await expect(page.locator("#problem")).to_contain_text(needs)
    await page.get_by_role("button", name="Cut the line").click()
    await expect(page.locator("#told")).to_contain_text(needs, timeout=MS)
    page.on("request", note)
    await page.get_by_role("button", name="Ada", exact=True).click()
    await expect(page.get_by_role("heading")).to_have_text("That form is out of date")
    await expect(page.get_by_role("main")).to_contain_text(needs)

    assert sent[0] == ""
    assert await violations(page) == []
    assert complaints == []


async def test_a_clock_that_is_a_day_behind(stack: Stack, context: BrowserContext) -> None:
    """Tokens are for who is signed in, and times are the server's: the page is live, and its bell rings."""
    await context.add_init_script(YESTERDAY)
    page = await opened(context, stack.url, [])
    await sign_in(page, "Ada")
    before = int(await page.locator("#value").inner_text())
    await page.get_by_role("button", name="Add one").click()
    await page.get_by_role("button", name="Say hello to Ada").click()

    await expect(page.locator("#value")).to_have_text(str(before + 1), timeout=MS)
    await expect(page.locator("tandem-inbox [part=badge]")).to_have_text(re.compile(r"\d"), timeout=MS)
