"""Async scripts: loaded when Redis does not know them, by one of many who find out at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import redis

from rig.servers import RedisServer, free_port
from tandem import scripts
from tandem.async_shards import AsyncShards
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.sync_shards import Shards


@pytest_asyncio.fixture
async def shards(redis_url: str) -> AsyncIterator[AsyncShards]:
    """One shard without scripts."""
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()
    shards = AsyncShards([redis_url])
    yield shards
    await shards.close()


async def test_many_at_once_load_the_scripts_once(shards: AsyncShards, redis_url: str) -> None:
    """After a restart everybody finds out in the same moment."""
    with redis.Redis.from_url(redis_url) as client:
        client.config_resetstat()
        replies = await asyncio.gather(*(shards.run(f"c:{n}", scripts.read_call(f"c:{n}", None, 0)) for n in range(50)))
        done = client.info("commandstats")
        loads = (done.get("cmdstat_script|load") or done["cmdstat_script"])["calls"]  # Redis before 7 has but one

    assert len(replies) == 50
    assert loads == len(scripts.ALL)


async def test_sync_and_async_agree_on_a_restart(shards: AsyncShards, redis_url: str) -> None:
    """Both tell the same run, so that neither takes the other's news for a restart."""
    sync = Shards([redis_url])
    with redis.Redis.from_url(redis_url) as client:
        await shards.run("c:a", scripts.read_call("c:a", None, 0))
        first = client.hgetall("tandem:boot")
        client.script_flush()
        sync.run("c:a", scripts.read_call("c:a", None, 0))
        second = client.hgetall("tandem:boot")
    sync.close()

    assert first == second
    assert len(first[b"run"]) == 40


async def test_no_config_command_is_no_obstacle(tmp_path: Path) -> None:
    """Hosted Redis forbids it: then nothing counts as kept."""
    with RedisServer(tmp_path, "--rename-command", "CONFIG", "") as server:
        shards = AsyncShards([server.url])
        await shards.run("c:a", scripts.read_call("c:a", None, 0))
        run = shards.clients[0]._link.connection.run  # type: ignore[union-attr]  # it is there by now
        await shards.close()
        sync = Shards([server.url])
        sync.run("c:a", scripts.read_call("c:a", None, 0))
        same = sync.clients[0].connection_pool.get_connection().run
        sync.close()

    assert len(run.id) == 40
    assert (run.keeps, same) == (False, run)


async def test_errors_have_their_type(shards: AsyncShards, redis_url: str) -> None:
    """What Redis refuses, and a Redis that is not there."""
    with redis.Redis.from_url(redis_url) as client:
        client.set(scripts.meta_key("c:a"), "not a hash")
    away = AsyncShards([f"redis://127.0.0.1:{free_port()}/0"])

    with pytest.raises(RedisReplyError, match="WRONGTYPE"):
        await shards.run("c:a", scripts.read_call("c:a", None, 0))
    with pytest.raises(RedisUnavailable):
        await away.run("c:a", scripts.read_call("c:a", None, 0))
    await away.close()
