"""What is mounted where: our consumers, a team's own beside them, and nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rig.pair import Realtime
from rig.servers import RedisServer
from rig.wire import open_wire


@pytest.fixture(scope="module")
def process(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realtime]:
    """A process with a team's consumers."""
    environ = {
        "TANDEM_URLPATTERNS": "tests.team_project.websocket_urlpatterns",
        "TANDEM_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8",
    }
    with Realtime(redis_server.url, tmp_path_factory.mktemp("routing"), environ) as process:
        yield process


async def test_team_consumer_works_beside_ours(process: Realtime) -> None:
    """Accept, groups, JSON: Channels as its documentation has it."""
    async with connect(f"{process.ws_url}/ws/chat/") as ada, connect(f"{process.ws_url}/ws/chat/") as bob:
        await asyncio.sleep(0.1)
        await ada.send('{"hello": 1}')
        heard = [json.loads(await asyncio.wait_for(each.recv(), 20)) for each in (ada, bob)]
        async with open_wire(f"{process.ws_url}/ws/") as wire:
            result = await wire.subscribe("public:a")

    assert heard == [{"hello": 1}] * 2
    assert result["recoverable"] is True


async def test_team_consumer_sees_the_client_behind_the_edge(process: Realtime) -> None:
    """What trusted proxies appended, not what the client wrote."""
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.1.1.1", "X-Forwarded-Proto": "https"}
    async with connect(
        f"{process.ws_url}/ws/who/", additional_headers={**headers, "Daphne-Root-Path": "/evil"}
    ) as socket:
        seen = json.loads(await asyncio.wait_for(socket.recv(), 20))

    assert seen == {"client": ["203.0.113.9", 0], "scheme": "wss", "root_path": ""}


async def test_slash_at_the_end_is_up_to_the_client(process: Realtime) -> None:
    """Not every SDK can be taught which it is."""
    async with open_wire(f"{process.ws_url}/ws") as wire:
        assert await wire.command(ping={}) == {"id": 2, "ping": {}}


async def test_unknown_paths_are_not_found(process: Realtime) -> None:
    """For sockets and for requests; the process goes on."""
    with pytest.raises(InvalidStatus):
        await connect(f"{process.ws_url}/ws/nothing/")

    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{process.url}/anything")).status_code == 404
    async with open_wire(f"{process.ws_url}/ws/"):
        pass


FOREIGN = """
import sys
from django.conf import settings
settings.configure(CHANNEL_LAYERS={"default": {
    "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [sys.argv[1]]}}})
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from tandem import group_for
send = async_to_sync(get_channel_layer().group_send)
send(group_for(sys.argv[2]), {"type": "publication", "data": {"from": "elsewhere"}, "tags": {"k": "v"}})
"""


@pytest.mark.parametrize("channel", ["public:a", "live:a"])
async def test_group_send_of_another_project_reaches_subscribers(
    process: Realtime, redis_server: RedisServer, tmp_path: Path, channel: str
) -> None:
    """A Django project with channels-redis and `group_for`, in a process of its own; without history, so no offset."""
    async with open_wire(f"{process.ws_url}/ws/") as wire:
        await wire.subscribe(channel)
        command = [sys.executable, "-c", FOREIGN, redis_server.url, channel]
        environ: dict[str, str] = {}
        await asyncio.to_thread(subprocess.run, command, env=environ, cwd=tmp_path, check=True, timeout=20)
        publications = await wire.publications(1)

    assert publications == [{"data": {"from": "elsewhere"}, "tags": {"k": "v"}}]
