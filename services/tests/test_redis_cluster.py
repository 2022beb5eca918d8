"""The delivery tests over Redis in cluster mode: its slots move and its masters fail under load."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rig.arrangements import assert_all_whole, delivering
from rig.keeper import Keeper, until_whole
from rig.redis_cluster import RedisCluster
from rig.secured import secure
from tandem import control
from tandem.census import Answer, take_census
from tandem.groups import shard_for
from tandem.redis.slots import BUCKETS

CHANNEL = "public:numbers"


@pytest.mark.parametrize(
    ("is_secured", "seconds"),
    [
        pytest.param(False, 5.0, id="plain"),
        pytest.param(False, 60.0, id="plain-minute", marks=pytest.mark.slow),
        pytest.param(True, 5.0, id="tls-user-prefix", marks=pytest.mark.slow),
        pytest.param(True, 60.0, id="tls-user-prefix-minute", marks=pytest.mark.slow),
    ],
)
async def test_slot_moves_and_a_master_fails_under_load(tmp_path: Path, is_secured: bool, seconds: float) -> None:
    """The channel's slot goes to another master, and that one is killed: every time all come, or all are told."""
    secured = secure(tmp_path) if is_secured else None
    with RedisCluster(tmp_path, replicas=1, secured=secured) as cluster:
        settings = {"redis_urls": cluster.url, **(secured.settings if secured else {})}
        async with delivering(tmp_path, CHANNEL, settings) as (keepers, producer):
            bucket = shard_for(CHANNEL, BUCKETS)
            await producer.publish(20)
            await until_whole(keepers, producer, seconds=20)
            load = asyncio.ensure_future(producer.publish_for(seconds))
            await asyncio.sleep(seconds / 6)
            source = await asyncio.to_thread(cluster.master_of, bucket)
            target = next(node for node in cluster.masters if node is not source)
            await asyncio.to_thread(cluster.move, bucket, target)
            await asyncio.sleep(seconds / 6)
            target.kill()
            await load
            await assert_all_whole(keepers, producer)
            [answer] = await until_counted(keepers)
            await asyncio.to_thread(control.disconnect, client=answer.clients[0].client, code=3001, reason="shutdown")
            await until(lambda: sum(keeper.record.connections for keeper in keepers) == len(keepers) + 1)
            await assert_all_whole(keepers, producer)
            assert await asyncio.to_thread(cluster.master_of, bucket) in cluster.replicas
    assert all(keeper.record.told_at for keeper in keepers)  # nobody proves that he has it all
    assert sorted(keeper.record.connections for keeper in keepers) == [1, 1, 1, 2]


async def until_counted(keepers: Sequence[Keeper]) -> list[Answer]:
    """Return what the processes say of who is connected, when it is all of *keepers*."""
    async with asyncio.timeout(20):
        while True:
            answers = await asyncio.to_thread(take_census, user="")
            if sum(len(answer.clients) for answer in answers) == len(keepers):
                return answers


async def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)
