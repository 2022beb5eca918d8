"""Everything through the ASGI server: TANDEM_HTTP_APP makes the realtime process answer every other path too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rig.servers import RedisServer, Server, free_port
from rig.stack import COUNTER, press
from rig.wire import open_wire


@pytest.fixture
def process(redis_server: RedisServer, redis_url: str, tmp_path: Path) -> Iterator[Server]:
    """One process with the api in it, without an edge."""
    environ = {
        "TANDEM_DEBUG": "1",
        "TANDEM_REDIS_URLS": redis_url,
        "TANDEM_HTTP_APP": "api.asgi:application",
        "DJANGO_SUPERUSER_PASSWORD": "of-the-admin",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'tandem.sqlite3'}",
        "TANDEM_BIND_HOST": "127.0.0.1",
        "TANDEM_BIND_PORT": str(free_port()),
        "TANDEM_PRIVATE_PORT": str(free_port()),
        "TANDEM_DRAIN_SECONDS": "0.1",
    }
    prepare = [sys.executable, "-m", "demo.prepare"]
    subprocess.run(prepare, env={**os.environ, **environ}, check=True, capture_output=True, timeout=60)
    command = [sys.executable, "-m", "tandem_realtime"]
    with Server(command, int(environ["TANDEM_BIND_PORT"]), env=environ, log=tmp_path / "realtime.log") as process:
        yield process


async def test_one_process_answers_everything(process: Server) -> None:
    """Pages, the api and sockets: what is pressed arrives."""
    url = f"http://127.0.0.1:{process.port}"
    async with httpx.AsyncClient(base_url=url, timeout=20) as http:
        page = await http.get("/counter/")
        async with open_wire(f"ws://127.0.0.1:{process.port}/ws/", origin=url) as wire:
            await wire.subscribe(COUNTER)
            values = await press(http, 3)
            pushed = await wire.publications(3)
        nowhere = await http.get("/nowhere/")
        unknown = await http.get("/ws/nowhere/")

    assert (page.status_code, nowhere.status_code, unknown.status_code) == (200, 404, 404)
    assert "text/html" in page.headers["content-type"]
    assert [publication["data"]["value"] for publication in pushed] == values
