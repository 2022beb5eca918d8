"""
Somebody's project: ``django-admin startproject`` in an empty folder, nothing of ours but the wheels.

``make matrix`` runs it on other Pythons and Djangos: DJANGO (as pip reads it, ``~=6.0``) and PYTHON (a program).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from rig.servers import RedisServer, Server, free_port
from rig.stranger import Stranger, build_wheels, make_environment
from rig.wire import Wire, open_socket, open_wire

PYTHON = os.environ.get("MATRIX_PYTHON") or sys.executable
DJANGO = os.environ.get("MATRIX_DJANGO") or "~=5.2.0"
HOST = "shop.example"
API_KEY = "key-of-the-server-api"
PASSWORD = "a long one of hers"
SECONDS = 2.0
"""How long a socket may outlive the login."""


class Shop:
    """The project as it runs in production: Redis, gunicorn, two realtime processes."""

    def __init__(self, directory: Path, project: Stranger, redis: RedisServer) -> None:
        self.project = project
        self.metrics_port = free_port()
        project.environ |= {
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "TANDEM_REDIS_URLS": redis.url,
            "TANDEM_API_KEYS": API_KEY,
            "TANDEM_WEB_HOST": "127.0.0.1",
            "TANDEM_BIND_HOST": "127.0.0.1",
            "TANDEM_METRICS_PORT": str(self.metrics_port),
            "WEB_CONCURRENCY": "1",
        }
        port = free_port()
        command = [str(project.programs / "gunicorn"), "-c", "python:tandem.gunicorn", "mysite.wsgi"]
        self.web = self._server(directory / "web.log", command, port, TANDEM_WEB_PORT=str(port))
        self.realtime = [self._realtime(directory / f"realtime-{number}.log") for number in (1, 2)]
        self._running = ExitStack()

    def _realtime(self, log: Path) -> Server:
        port = free_port()
        ports = {"TANDEM_BIND_PORT": str(port), "TANDEM_PRIVATE_PORT": str(free_port())}
        return self._server(log, [str(self.project.programs / "python"), "-m", "tandem_realtime"], port, **ports)

    def _server(self, log: Path, command: list[str], port: int, **environ: str) -> Server:
        server = Server(command, port, cwd=self.project.folder, log=log)
        server.env = {**self.project.environ, **environ}
        return server

    def browser(self) -> httpx.AsyncClient:
        """Return somebody who is not logged in."""
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.web.port}", headers={"Host": HOST}, timeout=20)

    def sockets(self) -> list[str]:
        """Return the address of each realtime process."""
        return [f"ws://127.0.0.1:{server.port}/ws/" for server in self.realtime]

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for server in (self.web, *self.realtime):
                running.enter_context(server)
            self._running = running.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """The team's project, in an environment of its own."""
    directory = tmp_path_factory.mktemp("startproject")
    wheels = build_wheels(directory / "wheels")
    programs = make_environment(directory / "environment", wheels, python=PYTHON, django=DJANGO)
    return Stranger(directory / "project", programs)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, project: Stranger, redis_server: RedisServer) -> Iterator[Shop]:
    """The project, running."""
    shop = Shop(tmp_path_factory.mktemp("shop"), project, redis_server)
    project.manage("migrate", "-v0")
    with shop:
        yield shop


_names = iter(range(1000))


class Person:
    """A user with an order, logged in from one browser."""

    def __init__(self, shop: Shop, browser: httpx.AsyncClient) -> None:
        self.shop = shop
        self.browser = browser
        self.name = f"user{next(_names)}"
        created = shop.project.shell(
            "from django.contrib.auth.models import User; from orders.models import Order; "
            f"user = User.objects.create_superuser({self.name!r}, password={PASSWORD!r}); "
            "print('order', Order.objects.create(owner=user).pk)"
        )
        self.order = int(re.findall(r"order (\d+)", created)[-1])

    @property
    def channel(self) -> str:
        """The channel of the order."""
        return f"order:{self.order}"

    async def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        """POST as a page does: with the CSRF token of the cookie."""
        headers = {"X-CSRFToken": self.browser.cookies.get("csrftoken") or ""}
        return await self.browser.post(path, data=data, headers=headers, **options)

    async def log_in(self) -> None:
        """Fill in the form."""
        await self.browser.get("/accounts/login/")
        answer = await self.post("/accounts/login/", {"username": self.name, "password": PASSWORD})
        assert answer.status_code == 302, answer.text

    async def token(self) -> str:
        """Return a connection token."""
        return str((await self.post("/realtime/token/")).raise_for_status().json()["token"])

    async def may_hear(self, channel: str) -> str:
        """Return a subscription token."""
        answer = await self.post("/realtime/subscription/", json={"channel": channel})
        return str(answer.raise_for_status().json()["token"])

    @asynccontextmanager
    async def sockets(self) -> AsyncIterator[list[Wire]]:
        """Hear the order in both realtime processes."""
        first, second = self.shop.sockets()
        token, ticket = await self.token(), await self.may_hear(self.channel)
        async with open_wire(first, token=token) as one, open_wire(second, token=token) as other:
            for wire in (one, other):
                await wire.subscribe(self.channel, token=ticket)
            yield [one, other]


@pytest.fixture
async def ada(shop: Shop) -> AsyncIterator[Person]:
    """Somebody, logged in."""
    async with shop.browser() as browser:
        person = Person(shop, browser)
        await person.log_in()
        yield person


@pytest.fixture
async def ben(shop: Shop) -> AsyncIterator[Person]:
    """Somebody else, logged in."""
    async with shop.browser() as browser:
        person = Person(shop, browser)
        await person.log_in()
        yield person


async def codes(wires: list[Wire]) -> list[int]:
    """Return the code with which each socket is closed, in time."""
    closed = await asyncio.wait_for(asyncio.gather(*(wire.closed() for wire in wires)), SECONDS)
    return [code for code, _ in closed]


def test_twenty_lines_are_enough(project: Stranger) -> None:
    """Of the team's own code, beside the model and the page."""
    assert project.lines_added() <= 20


def test_installed_django_is_left_alone(project: Stranger) -> None:
    """The package brought no other Django than the one that was asked for."""
    version = project.shell("import django; print('Django', django.get_version())")

    assert f"Django {re.sub('[^0-9.]', '', DJANGO).rstrip('0').rstrip('.')}" in version


def test_project_has_every_migration(project: Stranger) -> None:
    """Nothing of ours asks for a migration under somebody's settings."""
    assert "No changes detected" in project.manage("makemigrations", "--check", "--dry-run")


async def test_page_is_live_for_its_owner(ada: Person) -> None:
    """From the position that the page tells, on each realtime process."""
    page = (await ada.browser.get(f"/orders/{ada.order}/")).text
    [since] = re.findall(r'since: "([^"]*):\d+"', page)
    async with ada.sockets() as wires:
        await ada.post(f"/orders/{ada.order}/ship/")
        heard = [await wire.publications(1) for wire in wires]

    assert "tandem/tandem.js" in page
    assert since or "new" in page
    assert [publication["data"] for [publication] in heard] == [{"status": "shipped"}] * 2


async def test_page_is_for_its_owner_alone(ada: Person, ben: Person, shop: Shop) -> None:
    """Others get 403 for the page, 403 for a token, and 103 on the socket."""
    page = await ben.browser.get(f"/orders/{ada.order}/")
    asked = await ben.post("/realtime/subscription/", json={"channel": ada.channel})
    async with open_wire(shop.sockets()[0], token=await ben.token()) as wire:
        without = await wire.command(subscribe={"channel": ada.channel})
        foreign = await wire.command(subscribe={"channel": ada.channel, "token": await ada.may_hear(ada.channel)})

    assert (page.status_code, asked.status_code, asked.json()) == (403, 403, {"error": "permission denied"})
    assert (without["error"]["code"], foreign["error"]["code"]) == (103, 103)


async def test_strangers_get_no_token(shop: Shop) -> None:
    """Not logged in: 401. From another site, without the token of our forms: 403."""
    async with shop.browser() as browser:
        forged = await browser.post("/realtime/token/")
        await browser.get("/accounts/login/")
        headers = {"X-CSRFToken": browser.cookies.get("csrftoken") or ""}
        anonymous = await browser.post("/realtime/token/", headers=headers)

    assert (forged.status_code, anonymous.status_code, anonymous.json()) == (403, 401, {"error": "unauthorized"})


async def test_server_api_works_by_its_include(ada: Person, shop: Shop) -> None:
    """No login, no CSRF: a key."""
    async with shop.browser() as http, ada.sockets() as wires:
        body = {"channel": ada.channel, "data": {"from": "outside"}}
        answer = await http.post("/server/publish", content=json.dumps(body), headers={"X-API-Key": API_KEY})
        refused = await http.post("/server/publish", content=json.dumps(body))
        heard = [await wire.publications(1) for wire in wires]

    assert answer.json()["result"]["offset"] > 0
    assert refused.status_code == 401
    assert [publication["data"] for [publication] in heard] == [{"from": "outside"}] * 2


async def test_admin_has_the_live_page(ada: Person) -> None:
    """By one app in the settings: found from the admin's first page, and it tells of both processes."""
    index = (await ada.browser.get("/admin/")).text
    page = await ada.browser.get("/admin/tandem_monitor/connection/")
    async with ada.sockets():
        census = (await ada.browser.get("/admin/tandem_monitor/connection/census/")).json()

    assert 'href="/admin/tandem_monitor/connection/"' in index
    assert page.status_code == 200
    assert len(census["pods"]) == 2
    assert census["connections"] >= 2


def test_probes_answer_the_kubelet(shop: Shop) -> None:
    """It sends the pod's address as Host; nobody else may."""
    url, kubelet = f"http://127.0.0.1:{shop.web.port}", {"Host": "10.244.1.7:8000"}
    probes = [httpx.get(f"{url}{path}", headers=kubelet).status_code for path in ("/healthz", "/readyz")]

    assert probes == [200, 200]
    assert httpx.get(f"{url}/accounts/login/", headers=kubelet).status_code == 400


def test_metrics_have_a_port_of_their_own(shop: Shop) -> None:
    """Requests are counted there by route; the public port tells nothing."""
    httpx.get(f"http://127.0.0.1:{shop.web.port}/accounts/login/", headers={"Host": HOST}).raise_for_status()
    metrics = httpx.get(f"http://127.0.0.1:{shop.metrics_port}/metrics").text

    assert 'tandem_http_requests_total{method="GET",route="accounts/login/",status="200"}' in metrics
    assert httpx.get(f"http://127.0.0.1:{shop.web.port}/metrics", headers={"Host": HOST}).status_code == 404


async def test_logout_closes_the_sockets(ada: Person, shop: Shop) -> None:
    """3500 on both processes within two seconds; the old token opens nothing."""
    token = await ada.token()
    async with ada.sockets() as wires:
        await ada.post("/accounts/logout/")
        closed = await codes(wires)

    assert closed == [3500, 3500]
    for url in shop.sockets():
        await refused(url, token)


async def test_password_change_asks_who_is_still_in(ada: Person, shop: Shop) -> None:
    """3005: the author, whose session Django cycles, comes back; the old token does not."""
    token = await ada.token()
    new = "another one of hers 2"
    await ada.browser.get("/accounts/password_change/")
    async with ada.sockets() as wires:
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        changed = await ada.post("/accounts/password_change/", form)
        closed = await codes(wires)

    assert (changed.status_code, closed) == (302, [3005, 3005])
    for url in shop.sockets():
        await refused(url, token)
    async with ada.sockets() as wires:
        assert len(wires) == 2


async def test_deactivation_closes_the_sockets(ada: Person, shop: Shop) -> None:
    """3500, from wherever the row is saved; no token any more, and the old one is refused."""
    token = await ada.token()
    async with ada.sockets() as wires:
        closing = asyncio.create_task(codes_after(wires, ada))
        closed = await closing
    asked = await ada.post("/realtime/token/")

    assert closed == [3500, 3500]
    assert asked.status_code in (401, 403)
    for url in shop.sockets():
        await refused(url, token)


async def codes_after(wires: list[Wire], person: Person) -> list[int]:
    """Deactivate *person* and return the code with which each socket is closed, in time."""
    code = f"from django.contrib.auth.models import User; user = User.objects.get(username={person.name!r}); "
    await asyncio.to_thread(person.shop.project.shell, f"{code}user.is_active = False; user.save()")
    return await codes(wires)


async def refused(url: str, token: str) -> None:
    """Expect that *token* opens no connection."""
    async with open_socket(url) as wire:
        answer = asyncio.create_task(wire.command(connect={"token": token}))
        closed = asyncio.create_task(wire.closed())
        await asyncio.wait([answer, closed], return_when=asyncio.FIRST_COMPLETED, timeout=SECONDS)
        assert not (answer.done() and "connect" in answer.result())
        for task in (answer, closed):
            task.cancel()
