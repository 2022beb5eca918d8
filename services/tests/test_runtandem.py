"""``manage.py runtandem`` in a project of somebody's own: pages and sockets in one process, no Redis."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rig.project import Project
from rig.servers import Server, free_port, wait_until
from rig.wire import open_wire

ON_COMMIT = "import tandem; [tandem.publish_on_commit('public:button', number) for number in (1, 2)];"
BLOCKED = "import sys; sys.modules['tandem_realtime'] = None\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh project with its tables."""
    project = Project(tmp_path)
    migrated = project.manage("migrate", "-v0")
    assert migrated.returncode == 0, migrated.stderr
    return project


@pytest.fixture
def process(project: Project) -> Iterator[Server]:
    """The command, with its reloader."""
    port = free_port()
    command = [sys.executable, "manage.py", "runtandem", f"127.0.0.1:{port}"]
    log = project.folder / "runtandem.log"
    server = Server(command, port, env={"TANDEM_DEBUG": "1"}, cwd=project.folder, log=log)
    server.env = project.environ()
    with server:
        yield server


async def test_pages_sockets_and_static_files(process: Server) -> None:
    """What a page publishes reaches a socket of the same process; positions and recovery are those of Redis."""
    url = f"http://127.0.0.1:{process.port}"
    async with httpx.AsyncClient(base_url=url) as http, open_wire(f"ws://127.0.0.1:{process.port}/ws/") as wire:
        result = await wire.subscribe("public:button")
        pressed = (await http.get("/press/")).json()
        [publication] = await wire.publications(1)
        static = await http.get("/static/admin/css/base.css")
        async with open_wire(f"ws://127.0.0.1:{process.port}/ws/") as late:
            position = {"recover": True, "epoch": result["epoch"], "offset": 0}
            recovered = await late.subscribe("public:button", **position)

    assert pressed == {"offset": 1}
    assert (publication["offset"], publication["data"]) == (1, {"pressed": True})
    assert (static.status_code, static.headers["content-type"]) == (200, "text/css")
    assert recovered["recovered"] is True
    assert [each["offset"] for each in recovered["publications"]] == [1]


async def test_commit_of_a_shell_arrives(process: Server, project: Project) -> None:
    """Its row waits for this process, in order; what cannot wait is refused with the reason."""
    async with open_wire(f"ws://127.0.0.1:{process.port}/ws/") as wire:
        await wire.subscribe("public:button")
        told = project.manage("shell", "-c", f"{ON_COMMIT} print(tandem.position('public:button'))", TANDEM_DEBUG="1")
        published = await wire.publications(2)
        refused = project.manage("shell", "-c", "import tandem; tandem.publish('public:button', 1)", TANDEM_DEBUG="1")

    assert [each["data"] for each in published] == [1, 2]
    assert told.stdout.split()[-1] == "None"
    assert "RedisUnavailable: no socket is served by this process" in refused.stderr
    assert "set TANDEM_REDIS_URLS" in refused.stderr


def test_changed_file_is_served_anew(process: Server, project: Project) -> None:
    """As with runserver."""
    url = f"http://127.0.0.1:{process.port}/hello/"
    before = httpx.get(url).text
    project.urls.write_text(project.urls.read_text().replace('"hello"', '"hello again"'))

    def is_changed() -> bool:
        try:
            return httpx.get(url).text == "hello again"
        except httpx.TransportError:
            return False

    wait_until(is_changed, what="the changed page")
    assert before == "hello"


def test_missing_sockets_are_said_in_one_sentence(project: Project) -> None:
    """Who has not installed what serves them hears what to install."""
    manage = project.folder / "manage.py"
    manage.write_text(BLOCKED + manage.read_text())
    done = project.manage("runtandem", str(free_port()))

    assert done.returncode == 1
    assert done.stderr.strip() == (
        "CommandError: runtandem needs the package that serves the sockets: pip install 'django-tandem[realtime]'"
    )


def test_production_without_redis_is_refused(project: Project) -> None:
    """One process with DEBUG off would look like more than it is."""
    done = project.manage("runtandem", str(free_port()), TANDEM_DEBUG="0")

    assert done.returncode == 1
    assert "TANDEM_REDIS_URLS" in done.stderr
    assert "Traceback" not in done.stderr
