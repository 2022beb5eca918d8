"""From one Redis to more, to fewer, or to a cluster, by the steps of the docs: nothing is lost or told twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rig.keeper import Keeper
from rig.moving import Team
from rig.redis_cluster import RedisCluster
from rig.servers import RedisServer
from rig.talker import Talker
from rig.wire import Wire, open_wire
from tandem.groups import shard_for

pytestmark = pytest.mark.slow
NAMES = [f"public:{name}" for name in ("milk", "tea", "bread", "salt")]


def addresses(servers: Sequence[RedisServer]) -> str:
    """Return the setting that names *servers* as shards."""
    return ",".join(server.url for server in servers)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def move(directory: Path, old: str, new: str) -> list[Keeper]:
    """Move by the steps of the docs, with commits at every step, and return the subscribers and what they have."""
    team = Team(directory)
    keepers = [Keeper(team.sockets, name) for name in NAMES]

    def have(last: int) -> bool:
        return all(keeper.record.seen[-1:] == [last] for keeper in keepers)

    async with contextlib.AsyncExitStack() as clients:
        async with team.serving(old) as web:
            await asyncio.gather(*(clients.enter_async_context(keeper) for keeper in keepers))
            web.commit(0, 10, NAMES)
            await until(lambda: have(9))
            paused = await asyncio.to_thread(web.manage, "tandem", "pause")
            web.commit(10, 15, NAMES)
            refused = web.direct(NAMES[0])
        async with team.serving(new) as web:
            web.commit(15, 20, NAMES)
            refused_anew = web.direct(NAMES[0])
            await until(lambda: all(each.record.connections == 2 and each.subscribed.is_set() for each in keepers))
            during = [keeper.record.seen[-1] for keeper in keepers]
            resumed = await asyncio.to_thread(web.manage, "tandem", "resume")
            web.commit(20, 25, NAMES)
            await until(lambda: have(24))

    assert "publishing is paused since" in paused
    assert refused == refused_anew == paused.strip()
    assert resumed.endswith(f": {10 * len(NAMES)} waiting\n")
    assert during == [9] * len(NAMES)
    return keepers


def assert_moved(keepers: Sequence[Keeper], *, moved: Sequence[str]) -> None:
    """Everything came once and in order; who is at another Redis was told to reload once, and nobody else."""
    for keeper in keepers:
        assert keeper.record.faults == []
        assert keeper.record.seen == list(range(25))
    assert [keeper.channel for keeper in keepers for _ in keeper.record.told_at] == list(moved)


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
async def test_another_number_of_shards(tmp_path: Path, before: int, after: int) -> None:
    """A channel that stays where it was resumes; one that does not is told to reload, once."""
    with contextlib.ExitStack() as stack:
        for name in ("one", "two", "team"):
            (tmp_path / name).mkdir()
        servers = [stack.enter_context(RedisServer(tmp_path / name)) for name in ("one", "two")]
        keepers = await move(tmp_path / "team", addresses(servers[:before]), addresses(servers[:after]))

    moved = [name for name in NAMES if shard_for(name, before) != shard_for(name, after)]
    assert 0 < len(moved) < len(NAMES)
    assert_moved(keepers, moved=moved)


async def test_from_shards_to_a_cluster_and_back(tmp_path: Path) -> None:
    """Every channel is at another Redis."""
    for name in ("one", "two", "there", "back", "cluster"):
        (tmp_path / name).mkdir()
    with (
        RedisServer(tmp_path / "one") as one,
        RedisServer(tmp_path / "two") as two,
        RedisCluster(tmp_path / "cluster") as cluster,
    ):
        there = await move(tmp_path / "there", addresses([one, two]), cluster.url)
        back = await move(tmp_path / "back", cluster.url, addresses([one, two]))

    assert_moved(there, moved=NAMES)
    assert_moved(back, moved=NAMES)


async def test_what_clients_publish_meanwhile(tmp_path: Path) -> None:
    """
    Old and new pods are there at once, each at its own Redis, and subscribers at both.

    All that was confirmed to a client comes to each of them, or he is told to reload after it.
    """
    talks = {"history_size": 300, "history_ttl": 600, "recovery": True, "subscribe": "anyone", "publish": "subscribers"}
    for name in ("one", "two", "team"):
        (tmp_path / name).mkdir()
    old, new = (Team(tmp_path / "team", TANDEM_NAMESPACES=json.dumps({"talk": talks})) for _ in "ab")
    keepers = [Keeper(old.sockets, "talk:a"), Keeper(old.sockets, "talk:a")]
    talker = Talker("talk:a", keepers)
    early, late = keepers

    async def says(wire: Wire) -> None:
        """Talk until that is confirmed."""
        async with asyncio.timeout(60):
            while not await talker.say(wire):
                await asyncio.sleep(0.05)

    async def comes_to(keeper: Keeper, team: Team) -> None:
        """Have *keeper* come back at the pods of *team*."""
        keeper.url = team.sockets
        keeper.subscribed.clear()
        await keeper.cut(0)
        await asyncio.wait_for(keeper.subscribed.wait(), 60)

    with RedisServer(tmp_path / "one") as one, RedisServer(tmp_path / "two") as two:
        async with contextlib.AsyncExitStack() as clients, contextlib.AsyncExitStack() as new_pods:
            async with old.serving(one.url) as web:
                await asyncio.gather(*(clients.enter_async_context(keeper) for keeper in keepers))
                async with open_wire(old.sockets) as wire:
                    await wire.subscribe("talk:a")
                    await says(wire)
                    await asyncio.to_thread(web.manage, "tandem", "pause")
                    await talker.say(wire)
                    web = await new_pods.enter_async_context(new.serving(two.url))
                    await comes_to(early, new)
                    for _ in range(5):  # what is confirmed here does not come there
                        await talker.say(wire)
                        await asyncio.sleep(0.1)
                async with open_wire(new.sockets) as wire:
                    await wire.subscribe("talk:a")
                    await talker.say(wire)
                    late.url = new.sockets
                    late.subscribed.clear()
            await asyncio.wait_for(late.subscribed.wait(), 60)
            async with open_wire(new.sockets) as wire:
                await wire.subscribe("talk:a")
                await talker.say(wire)
                await asyncio.to_thread(web.manage, "tandem", "resume")
                await says(wire)
                last = talker.next_number - 1
                await until(lambda: all(keeper.record.seen[-1:] == [last] for keeper in keepers))

    assert talker.missing() == []
    assert {error["code"] for error in talker.refused} == {100}
    assert all(error["temporary"] for error in talker.refused)
    assert [keeper.record.faults for keeper in keepers] == [[], []]
    assert [len(keeper.record.told_at) for keeper in keepers] == [1, 1]
