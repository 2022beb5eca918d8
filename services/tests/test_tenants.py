"""Tenants with a database each, so that both have a user 1: neither hears anything of the other."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from rig.project import Project
from rig.servers import Server, free_port
from rig.wire import Wire, open_wire

TENANTS = ("acme", "globex")

SETTINGS = """
ALLOWED_HOSTS = ["acme.test", "globex.test"]
INSTALLED_APPS += ["tandem", "mysite"]
SQLITE = "django.db.backends.sqlite3"
DATABASES = {name: {"ENGINE": SQLITE, "NAME": BASE_DIR / f"{name}.sqlite3"} for name in ("acme", "globex")}
DATABASES["default"] = DATABASES["acme"]
DATABASE_ROUTERS = ["mysite.tenants.Router"]
MIDDLEWARE = ["mysite.tenants.middleware", *MIDDLEWARE]
TANDEM = {"user_id": "mysite.tenants.user_id"}
"""

MODULE = """
from contextvars import ContextVar

import tandem

tenant = ContextVar("tenant", default="acme")


class Router:
    def db_for_read(self, model, **hints):
        return tenant.get()

    db_for_write = db_for_read

    def allow_relation(self, *objects, **hints):
        return True


def middleware(get_response):
    def serve(request):
        token = tenant.set(request.get_host().partition(".")[0])
        try:
            return get_response(request)
        finally:
            tenant.reset(token)

    return serve


def user_id(user, request):
    return f"{tenant.get()}/{user.pk}"


@tandem.channel("order:{of}/{pk}", presence=True, read_presence="subscribers")
def may_hear(user, of, pk: int):
    return of == tenant.get()
"""

URLS = """
from django.contrib.auth import authenticate, login
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import include, path

import tandem
from mysite import tenants


def enter(request):
    login(request, User.objects.get(pk=1))
    get_token(request)
    return HttpResponse(tenants.user_id(request.user, request))


def change(request):
    of, user_id = tenants.tenant.get(), tenants.user_id(request.user, request)
    for channel in (f"order:{of}/1", f"notifications:#{user_id}"):
        tandem.publish_on_commit(channel, {"of": of})
    return HttpResponse()


def revoke(request):
    tandem.revoke(request.user)
    return HttpResponse()


urlpatterns = [path("realtime/", include("tandem.urls"))]
urlpatterns += [path(f"{view.__name__}/", view) for view in (enter, change, revoke)]
"""


class Member(NamedTuple):
    """User 1 of a tenant: a browser that is logged in, and its socket."""

    name: str
    browser: httpx.AsyncClient
    wire: Wire

    async def token_for(self, channel: str) -> httpx.Response:
        """Ask for a subscription token."""
        return await post(self.browser, "/realtime/subscription/", {"channel": channel})


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Pages and sockets of both tenants, in one process."""
    project = Project(tmp_path_factory.mktemp("tenants"), settings=SETTINGS, urls=URLS)
    (project.folder / "mysite" / "tenants.py").write_text(MODULE)
    for name in TENANTS:
        migrated = project.manage("migrate", f"--database={name}", "-v0")
        assert migrated.returncode == 0, migrated.stderr
        add = f"from django.contrib.auth.models import User; User(username='of-{name}').save(using='{name}')"
        assert project.manage("shell", "-c", add).returncode == 0
    port = free_port()
    command = [sys.executable, "manage.py", "runtandem", "--noreload", f"127.0.0.1:{port}"]
    server = Server(command, port, cwd=Path(project.folder), log=project.folder / "runtandem.log")
    server.env = project.environ()
    with server:
        yield server


async def post(browser: httpx.AsyncClient, path: str, body: dict[str, str]) -> httpx.Response:
    """POST as a page does."""
    return await browser.post(path, json=body, headers={"X-CSRFToken": browser.cookies["csrftoken"]})


@asynccontextmanager
async def member_of(process: Server, tenant: str) -> AsyncIterator[Member]:
    """Log user 1 of *tenant* in, and have the order 1 of that tenant heard."""
    url = f"127.0.0.1:{process.port}"
    async with httpx.AsyncClient(base_url=f"http://{url}", headers={"Host": f"{tenant}.test"}) as browser:
        name = (await browser.get("/enter/")).text
        token = (await post(browser, "/realtime/token/", {})).json()["token"]
        async with open_wire(f"ws://{url}/ws/", token=token) as wire:
            member = Member(name, browser, wire)
            ticket = (await member.token_for(f"order:{tenant}/1")).json()["token"]
            await wire.subscribe(f"order:{tenant}/1", token=ticket)
            yield member


async def test_users_of_one_number_hear_nothing_of_each_other(process: Server) -> None:
    """Not by the channel of an order, not by the personal channel, not by a revocation, not in presence."""
    async with member_of(process, "acme") as ada, member_of(process, "globex") as gus:
        asked = [(await ada.token_for("order:globex/1")).status_code, (await gus.token_for("order:acme/1")).status_code]
        foreign = (await gus.token_for("order:globex/1")).json()["token"]
        stolen = await ada.wire.command(subscribe={"channel": "order:globex/1", "token": foreign})
        personal = await ada.wire.command(subscribe={"channel": "notifications:#globex/1"})
        for member in (ada, gus):
            await member.browser.get("/change/")
        heard = [[each["data"] for each in await member.wire.publications(2)] for member in (ada, gus)]
        answer = await ada.wire.command(presence={"channel": "order:acme/1"})
        await ada.browser.get("/revoke/")
        code, _ = await ada.wire.closed()
        await gus.browser.get("/change/")
        after = [each["data"] for each in await gus.wire.publications(2)]

    assert (ada.name, gus.name) == ("acme/1", "globex/1")
    assert asked == [403, 403]
    assert (stolen["error"]["code"], personal["error"]["code"]) == (103, 103)
    assert heard == [[{"of": "acme"}] * 2, [{"of": "globex"}] * 2]
    assert [entry["user"] for entry in answer["presence"]["presence"].values()] == ["acme/1"]
    assert code == 3500
    assert after == [{"of": "globex"}] * 2
