"""A project with live blocks, as it runs in production: Redis, gunicorn, the outbox's worker, realtime, nginx."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import httpx
from playwright.async_api import BrowserContext, Page

from rig.edge import make_edge
from rig.project import Project
from rig.servers import SERVICES, RedisServer, Server, free_port

FILES = SERVICES / "tests" / "live_project"
SETTINGS = """

DEBUG = False
INSTALLED_APPS += ["tandem", "tandem.live", "mysite"]
ALLOWED_HOSTS = ["*"]
MIDDLEWARE += ["tandem.tab.to_others"]
DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=wal"}
DATABASES["default"]["CONN_MAX_AGE"] = None
"""
URLS = "urlpatterns = []\n"


class LiveSite:
    """
    Everything behind one edge. Use as a context manager.

    Each server is an attribute that a test may kill and start again: `redis`, `api`, `realtime`, `edge`.
    """

    def __init__(self, directory: Path, **environ: str) -> None:
        (directory / "redis").mkdir(parents=True)
        self.redis = RedisServer(directory / "redis")
        (directory / "project").mkdir()
        project = self.project = Project(directory / "project", settings=SETTINGS, urls=URLS)
        shutil.copytree(FILES, project.folder, dirs_exist_ok=True)
        for command in (["makemigrations", "mysite"], ["migrate"], ["shell", "-c", _USER]):
            done = project.manage(*command)
            if done.returncode:
                raise RuntimeError(done.stderr)
        api, realtime = free_port(), free_port()
        self._environ = project.environ(
            DJANGO_SETTINGS_MODULE="mysite.settings",
            TANDEM_REDIS_URLS=self.redis.url,
            TANDEM_METRICS_PORT="0",
            TANDEM_WEB_HOST="127.0.0.1",
            TANDEM_WEB_PORT=str(api),
            TANDEM_BIND_HOST="127.0.0.1",
            TANDEM_BIND_PORT=str(realtime),
            TANDEM_PRIVATE_PORT=str(free_port()),
            TANDEM_DRAIN_SECONDS="0.1",
            **environ,
        )
        self.directory = directory
        self.api = self._python(["-m", "gunicorn", "-c", "python:tandem.gunicorn", "mysite.wsgi"], api, "api")
        self.realtime = self._python(["-m", "tandem_realtime"], realtime, "realtime")
        self.edge = make_edge(directory, api=f"127.0.0.1:{api}", realtime=f"127.0.0.1:{realtime}")
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The edge."""
        return f"http://127.0.0.1:{self.edge.port}"

    def _python(self, arguments: Sequence[str], port: int, name: str) -> Server:
        server = Server([sys.executable, *arguments], port, cwd=self.project.folder, log=self.directory / f"{name}.log")
        server.env = self._environ
        return server

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as running:
            for server in (self.redis, self.api, self.realtime, self.edge):
                running.enter_context(server)
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "runworker", "tandem"],
                cwd=self.project.folder,
                env=self._environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            running.callback(worker.wait)
            running.callback(worker.terminate)
            self._running = running.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()


_USER = """
from django.contrib.auth.models import User
User.objects.create(username="ann", pk=1)
User.objects.create(username="bea", pk=2)
"""


class Orders:
    """What somebody does to orders, without a browser."""

    def __init__(self, site: LiveSite) -> None:
        self._http = httpx.AsyncClient(base_url=site.url, timeout=20)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def create(self, **values: Any) -> int:
        """Make an order and return its number."""
        return int((await self._post("/create/", values)).json()["pk"])

    async def change(self, pk: int, **values: Any) -> None:
        """Change an order."""
        await self._post(f"/change/{pk}/", values)

    async def push(self, pk: int, number: int) -> None:
        """Change an order and push its block."""
        await self._post(f"/push/{pk}/", {"number": number})

    async def remove(self, pk: int) -> None:
        """Delete an order."""
        await self._post(f"/remove/{pk}/", {})

    async def _post(self, path: str, values: dict[str, Any]) -> httpx.Response:
        return (await self._http.post(path, params=values)).raise_for_status()


async def log_in(context: BrowserContext, url: str, name: str = "ann") -> None:
    """Have a browser logged in."""
    await context.request.get(f"{url}/in/{name}/")


async def open_page(context: BrowserContext, url: str, page: str, pk: int, **query: Any) -> Page:
    """Open a tab and wait until it is live."""
    tab = await context.new_page()
    words = "&".join(f"{name}={value}" for name, value in query.items())
    await tab.goto(f"{url}/{page}/{pk}/?{words}")
    return tab
