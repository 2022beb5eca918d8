"""A process whose user of Redis may touch nothing but Tandem's names: it serves as any other."""

from __future__ import annotations

from pathlib import Path

import redis

from rig.servers import RedisServer
from tandem import apublish
from tests.session_clients import FakeTransport, running

RULES = ">secret ~tandem:* resetchannels &asgi* +@all -@dangerous +info"


async def test_restricted_user_is_enough(tmp_path: Path) -> None:
    """Control is read, a client subscribes, is present, publishes and hears."""
    with RedisServer(tmp_path) as server:
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("ACL", "SETUSER", "tandem", "on", *RULES.split())
        async with running(f"redis://tandem:secret@127.0.0.1:{server.port}/0") as runtime:
            client = FakeTransport(runtime)
            await client.connect()
            await client.subscribe("public:a", recover=True)
            await client.subscribe("room:a")
            await client.command(publish={"channel": "public:a", "data": 1})
            await apublish("public:a", 2)
            pushes = await client.until(3)
            present = await client.command(presence_stats={"channel": "room:a"})

    assert [push["pub"]["data"] for push in pushes if "pub" in push] == [1, 2]
    assert present == {"presence_stats": {"num_clients": 1, "num_users": 1}}
