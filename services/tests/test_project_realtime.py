"""``python -m tandem_realtime`` with the settings of somebody's project: their consumers and users, no SQL unasked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from websockets.asyncio.client import connect

from rig.project import Project
from rig.servers import RedisServer, Server, free_port
from rig.wire import open_wire

SETTINGS = """

INSTALLED_APPS += ["tandem"]
TANDEM = {}
DATABASES["default"]["ENGINE"] = "mysite.noting"
"""

NOTING = '''"""SQLite, which takes note that it was opened."""
from pathlib import Path

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params):
        Path(__file__).with_name("opened").touch()
        return super().get_new_connection(conn_params)
'''

CONSUMERS = """
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth import get_user_model
from django.urls import path


class WhoConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        count = await database_sync_to_async(get_user_model().objects.count)()
        await self.send_json({"user": self.scope["user"].get_username(), "users": count})


urlpatterns = [path("ws/who/", AuthMiddlewareStack(WhoConsumer.as_asgi()))]
"""

LOG_IN = """
from django.contrib.auth import get_user_model
from django.test import Client
client = Client()
client.force_login(get_user_model().objects.create_user("ada"))
print("session", client.cookies["sessionid"].value)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose settings are a package, as many are."""
    project = Project(tmp_path_factory.mktemp("site"), settings=SETTINGS)
    folder = project.folder / "mysite"
    (folder / "noting").mkdir()
    (folder / "noting" / "__init__.py").touch()
    (folder / "noting" / "base.py").write_text(NOTING)
    (folder / "consumers.py").write_text(CONSUMERS)
    (folder / "conf").mkdir()
    (folder / "conf" / "__init__.py").touch()
    (folder / "settings.py").rename(folder / "conf" / "production.py")
    manage = project.folder / "manage.py"
    manage.write_text(manage.read_text().replace("mysite.settings", "mysite.conf.production"))
    migrated = project.manage("migrate", "-v0")
    assert migrated.returncode == 0, migrated.stderr
    return project


@contextmanager
def running(project: Project, redis_server: RedisServer, environ: Mapping[str, str]) -> Iterator[Server]:
    """Run realtime in the project's folder with the project's settings."""
    port = free_port()
    given = {
        "DJANGO_SETTINGS_MODULE": "mysite.conf.production",
        "PYTHONPATH": str(project.folder),
        "TANDEM_REDIS_URLS": redis_server.url,
        "TANDEM_BIND_HOST": "127.0.0.1",
        "TANDEM_BIND_PORT": str(port),
        "TANDEM_PRIVATE_PORT": str(free_port()),
        "TANDEM_DRAIN_SECONDS": "0.1",
        **environ,
    }
    command = [sys.executable, "-m", "tandem_realtime"]
    server = Server(command, port, cwd=project.folder, log=project.folder / f"realtime-{port}.log")
    server.env = project.environ(**given)
    with server:
        yield server


async def test_no_database_is_opened_unasked(project: Project, redis_server: RedisServer) -> None:
    """The project has one, and realtime does without."""
    opened = project.folder / "mysite" / "noting" / "opened"
    opened.unlink(missing_ok=True)
    with running(project, redis_server, {}) as server:
        async with open_wire(f"ws://127.0.0.1:{server.port}/ws/") as wire:
            result = await wire.subscribe("public:a")

    assert result["recoverable"] is True
    assert not opened.exists()


async def test_teams_consumer_knows_the_sessions_user_and_the_orm(project: Project, redis_server: RedisServer) -> None:
    """``AuthMiddlewareStack`` over their sessions, a query of their models; our sockets beside it."""
    said = project.manage("shell", "-c", LOG_IN)
    session = next(line.split()[1] for line in said.stdout.splitlines() if line.startswith("session "))
    with running(project, redis_server, {"TANDEM_URLPATTERNS": "mysite.consumers.urlpatterns"}) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with connect(f"{url}/who/", additional_headers={"Cookie": f"sessionid={session}"}) as socket:
            ada = json.loads(await socket.recv())
        async with connect(f"{url}/who/") as socket:
            nobody = json.loads(await socket.recv())
        async with open_wire(f"{url}/") as wire:
            await wire.subscribe("public:a")

    assert ada == {"user": "ada", "users": 1}
    assert nobody == {"user": "", "users": 1}


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"TANDEM_REDIS_URLS": "", "TANDEM_DEBUG": "0"}, "TANDEM_REDIS_URLS"),
        ({"TANDEM_BACKLOG": "many"}, "TANDEM_BACKLOG"),
        ({"TANDEM_URLPATTERNS": "mysite.nothing.urlpatterns"}, "mysite.nothing"),
    ],
)
def test_wrong_setting_ends_the_process_and_is_named(
    project: Project, redis_server: RedisServer, environ: dict[str, str], text: str
) -> None:
    """At start, not at the first connection."""
    with pytest.raises(RuntimeError, match="exited with 1") as refused:
        with running(project, redis_server, environ):
            pass

    assert text in str(refused.value).strip().splitlines()[-1]
