"""htmx 2 and 4 and Datastar, as npm has them, in real Chromium: they swap HTML, fetch for all else, lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import Page, Request, Route, expect

from rig.browser import open_browser
from rig.cable import Cable
from rig.overrides import override_tandem
from rig.servers import npm_file
from rig.stack import Stack
from tandem import apublish
from tandem.tickets import acreate_ticket

MODULES = Path(__file__).with_name("sdk") / "node_modules"
ROOT = "http://127.0.0.1"
SECONDS = 20


class Library(NamedTuple):
    """A library, and a page that uses it: its scripts, what listens to {url} and {channel}, how it is answered."""

    form: str
    scripts: tuple[str, ...]
    body: str
    kind: str = "text/html"
    answer: str = "{count}"


LIBRARIES = {
    "htmx 2": Library(
        "htmx",
        ("htmx.org/dist/htmx.js", "htmx-ext-sse/sse.js"),
        '<div hx-ext="sse" sse-connect="{url}"><div id="pushed" sse-swap="message"></div>'
        '<p id="fetched" hx-get="/fragment/" hx-trigger="sse:{channel}"></p></div>',
    ),
    "htmx 4": Library(
        "htmx",
        ("htmx-4/dist/htmx.js", "htmx-4/dist/ext/hx-sse.js"),
        '<div id="stream" hx-sse:connect="{url}" hx-target="#pushed" hx-swap="innerHTML"></div><div id="pushed"></div>'
        '<p id="fetched" hx-get="/fragment/" hx-trigger="{channel} from:#stream"></p>',
    ),
    "Datastar": Library(
        "datastar-beta",
        ("@starfederation/datastar/dist/bundles/datastar.js",),
        """<div data-signals="{{tandem: {{changed: '', state: ''}}}}"
                data-on-load="@get('{url}', {{openWhenHidden: true, retryMaxCount: 1e6}})"></div>
        <p id="block"></p><i data-on-signal-change-tandem.changed="@get('/fragment/')"></i><p id="fetched"></p>""",
        "text/event-stream",
        'event: datastar-merge-fragments\ndata: fragments <p id="fetched">{count}</p>\n\n',
    ),
}
every_library = pytest.mark.parametrize("name", LIBRARIES)


class Tab:
    """A page of *library* that hears *channel*; `fetches` are the headers of what it fetched."""

    def __init__(self, page: Page, library: Library) -> None:
        self.page = page
        self.library = library
        self.fetches: list[dict[str, str]] = []
        self.opened = 0

    async def open(self, port: int, url: str, channel: str, script: str = "") -> None:
        """Go there. What the page is made of does not come over the cable, what it hears does."""
        for path in self.library.scripts:
            npm_file(path)
        kind = "module" if self.library.form.startswith("datastar") else "text/javascript"
        scripts = "".join(f'<script type="{kind}" src="/lib/{path}"></script>' for path in self.library.scripts)
        body = self.library.body.format(url=url, channel=channel)
        text = f"<!doctype html><html><head>{scripts}</head><body>{body}<script>{script}</script></body></html>"

        async def serve(route: Route) -> None:
            await route.fulfill(body=text, content_type="text/html")

        async def script_of(route: Route) -> None:
            path = MODULES / route.request.url.partition("/lib/")[2]
            if path.is_file():
                await route.fulfill(path=path, content_type="text/javascript")
            else:  # as bundlers find it
                name = f"{path.name}/index.js" if path.is_dir() else f"{path.name}.js"
                await route.fulfill(body=f'export * from "./{name}";', content_type="text/javascript")

        await self.page.route("**/page/", serve)
        await self.page.route("**/lib/**", script_of)
        await self.page.route("**/fragment/**", self._answer)
        self.page.on("request", self._count)
        await self.page.goto(f"{ROOT}:{port}/page/")

    async def shows(self, element: str, text: object) -> None:
        """Wait until *element* shows *text*."""
        await expect(self.page.locator(f"#{element}")).to_have_text(str(text), timeout=SECONDS * 1000)

    async def fetched(self, times: int) -> None:
        """Wait until the page has fetched so often."""
        async with asyncio.timeout(SECONDS):
            while len(self.fetches) < times:
                await asyncio.sleep(0.02)

    async def _answer(self, route: Route) -> None:
        self.fetches.append(await route.request.all_headers())
        body = self.library.answer.format(count=len(self.fetches))
        await route.fulfill(body=body, content_type=self.library.kind)

    def _count(self, request: Request) -> None:
        self.opened += "/ws/sse/" in request.url


@asynccontextmanager
async def tab_of(name: str) -> AsyncIterator[Tab]:
    """A page in a browser of its own."""
    async with open_browser() as browser:
        yield Tab(await browser.new_page(), LIBRARIES[name])


def pushed(number: int) -> dict[str, object]:
    """Return what `tandem.live` publishes of a block that is the same for everybody."""
    return {"type": "live.html", "key": "k", "html": f'<p id="block">\n<b>{number}</b>\n</p>'}


@every_library
async def test_page_follows_over_ten_cuts_with_one_ticket(stack: Stack, name: str) -> None:
    """It loads once at its beginning, then shows what is pushed and fetches what is not, whatever happens meanwhile."""
    channel = f"public:lib-{name.replace(' ', '')}"
    with override_tandem(redis_urls=[stack.redis.url]):
        async with Cable(stack.edge.port) as cable, tab_of(name) as tab:
            ticket = await acreate_ticket("42")
            url = f"/ws/sse/?as={tab.library.form}&channel={channel}&ticket={ticket}"
            await tab.open(cable.port, url, channel)
            await tab.shows("fetched", 1)
            await apublish(channel, pushed(0))
            await tab.shows("block", 0)
            for number in range(1, 11):
                cable.cut()
                await apublish(channel, pushed(number))
                await apublish(channel, {"event": "changed"})
                cable.mend()
                await tab.shows("block", number)
                await tab.fetched(number + 1)

            assert len(tab.fetches) == 11
            assert tab.opened > 10


@every_library
async def test_page_comes_back_from_a_drain(stack: Stack, name: str) -> None:
    """Each in its own way: to a stream that ended, or to one that broke off. A 502 would be final to some."""
    channel = f"public:drain-{name.replace(' ', '')}"
    with override_tandem(redis_urls=[stack.redis.url]):
        async with Cable(stack.realtime.port) as cable, tab_of(name) as tab:
            await tab.open(cable.port, f"/ws/sse/?as={tab.library.form}&channel={channel}", channel)
            await tab.shows("fetched", 1)
            stack.realtime.stop()
            await apublish(channel, pushed(1))
            stack.realtime.start()
            await tab.shows("block", 1)


@pytest.mark.parametrize(
    ("name", "script"),
    [
        (
            "htmx 2",
            "document.addEventListener('htmx:configRequest', ({ detail }) => Object.assign(detail.headers, own));",
        ),
        (
            "htmx 4",
            "document.addEventListener('htmx:config:request',"
            " ({ detail }) => Object.assign(detail.ctx.request.headers, own));",
        ),
    ],
)
async def test_htmx_names_the_tab(stack: Stack, name: str, script: str) -> None:
    """With the headers of `tandem.connect().headers()`, as the documentation says."""
    with override_tandem(redis_urls=[stack.redis.url]):
        async with tab_of(name) as tab:
            url = f"/ws/sse/?as={tab.library.form}&channel=public:tab"
            await tab.open(stack.edge.port, url, "public:tab", "const own = { 'X-Tandem-Tab': 'tandem 1' };" + script)
            await tab.fetched(1)

        assert tab.fetches[0]["x-tandem-tab"] == "tandem 1"
