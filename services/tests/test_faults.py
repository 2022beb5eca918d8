"""Faults of what stands around us, under load: nothing lost, repeated, reordered or invented, or the page is told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import redis as redis_py

from rig.fleet import Fleet
from rig.keeper import Keeper
from rig.load import Commits, assert_books_balance, until_caught_up, watching

pytestmark = pytest.mark.slow  # a dozen processes for each: two cores of their own

COUNTERS = [f"load-{number}" for number in range(10)]
WRITES_PER_SECOND = 20
USUAL_SECONDS = 5
NOTICED_SECONDS = 10
WHOLE_SECONDS = 5
DRAINED_SECONDS = 10
BACK_SECONDS = 15


@contextlib.asynccontextmanager
async def under_load(fleet: Fleet, *, tabs: int) -> AsyncIterator[tuple[list[Keeper], Commits]]:
    """The fleet's counters, tabs that watch them, and what commits to them."""
    for name in COUNTERS:
        fleet.manage("shell", "-c", f"from api.counters.actions import create; create({name!r})")
    commits = Commits(fleet.url, COUNTERS)
    try:
        async with watching(fleet.ws_url, COUNTERS, tabs) as keepers:
            yield keepers, commits
    finally:
        await commits.close()


def waiting_rows(fleet: Fleet) -> int:
    """How many publications wait in the outbox."""
    said = fleet.manage("shell", "-c", "from tandem.models import OutboxEntry; print(OutboxEntry.objects.count())")
    return int(said.split()[-1])


@pytest.mark.parametrize(("seconds", "tabs"), [(30, 200), (300, 500)], ids=["short", "five-minutes"])
async def test_redis_away(tmp_path: Path, seconds: int, tabs: int) -> None:
    """Pages and writes go on at their usual time; no socket closes and none says live; then everybody is whole."""
    with Fleet(tmp_path, redis_options=("--appendonly", "yes", "--appendfsync", "always")) as fleet:
        async with under_load(fleet, tabs=tabs) as (keepers, commits):
            await commits.run(USUAL_SECONDS, per_second=WRITES_PER_SECOND)
            usual = commits.writes.percentile(0.99), commits.reads.percentile(0.99)
            commits.reset()
            fleet.redis.kill()
            away_at = time.monotonic()
            await commits.run(seconds, per_second=WRITES_PER_SECOND)
            told = {keeper: [state for at, state in keeper.books.states if at > away_at] for keeper in keepers}
            late = [at - away_at for keeper in keepers for at, state in keeper.books.states if state == "stale"]
            async with httpx.AsyncClient(base_url=fleet.url) as http:
                answer = await http.post("/server/history", json={"channel": "public:a"}, headers=KEY)
            fleet.redis.start()
            back_at = time.monotonic()
            took = await until_caught_up(keepers, commits, seconds=WHOLE_SECONDS)
            while waiting := waiting_rows(fleet):
                assert time.monotonic() < back_at + DRAINED_SECONDS, f"{waiting} rows wait"

            p99 = commits.writes.percentile(0.99), commits.reads.percentile(0.99)
            slowest = max(commits.writes.seconds + commits.reads.seconds)
            print(f"p99 of writes and reads {p99}, usual {usual}; slowest {slowest:.3f} s; whole after {took:.1f} s")
            assert commits.writes.refused == commits.reads.refused == []
            assert p99[0] < usual[0] + 0.05
            assert p99[1] < usual[1] + 0.05
            assert slowest < 1
            assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
            assert {tuple(states) for states in told.values()} == {("stale",)}
            assert max(late) < NOTICED_SECONDS
            assert {keeper.books.states[-1][1] for keeper in keepers} == {"live"}
            assert all(keeper.books.connections == 1 for keeper in keepers)
            assert_books_balance(keepers, commits)


async def test_redis_full_with_a_backlog(tmp_path: Path) -> None:
    """What Redis refuses stops its channel: nothing overtakes, requests go on, and all is sent when there is room."""
    with Fleet(tmp_path, redis_options=("--maxmemory-policy", "noeviction")) as fleet:
        async with under_load(fleet, tabs=50) as (keepers, commits):
            await commits.run(2, per_second=WRITES_PER_SECOND)
            with redis_py.Redis.from_url(fleet.redis.url) as client:
                for _ in range(4):  # at the limit, over it, below it ...
                    client.config_set("maxmemory", "1mb")
                    await commits.run(1.5, per_second=WRITES_PER_SECOND)
                    client.config_set("maxmemory", "0")
                    await commits.run(0.5, per_second=WRITES_PER_SECOND)
            await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS)

            assert commits.writes.refused == []
            assert all(not keeper.books.told_at for keeper in keepers)
            assert_books_balance(keepers, commits)


async def test_api_and_workers_killed_at_random(tmp_path: Path) -> None:
    """Between commit and publish: the row is there, and somebody else sends it, once."""
    with Fleet(tmp_path) as fleet:
        async with under_load(fleet, tabs=50) as (keepers, commits):

            async def kill_now_and_then() -> None:
                for round_ in range(4):
                    await asyncio.sleep(1.2)
                    for part in (fleet.apis[round_ % 2], fleet.workers[round_ % 2]):
                        await asyncio.to_thread(part.kill)
                        await asyncio.to_thread(part.start)

            await asyncio.gather(commits.run(8, per_second=WRITES_PER_SECOND), kill_now_and_then())
            await commits.run(1, per_second=WRITES_PER_SECOND)
            await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS)

            assert_books_balance(keepers, commits)


async def test_realtime_killed_and_drained(tmp_path: Path) -> None:
    """Whoever was on it comes back at the other, with its position."""
    with Fleet(tmp_path) as fleet:
        async with under_load(fleet, tabs=100) as (keepers, commits):

            async def replace() -> None:
                await asyncio.sleep(1)
                await asyncio.to_thread(fleet.realtimes[0].kill)
                await asyncio.to_thread(fleet.realtimes[0].start)
                await asyncio.sleep(1)
                await asyncio.to_thread(fleet.realtimes[1].stop)
                await asyncio.to_thread(fleet.realtimes[1].start)

            await asyncio.gather(commits.run(8, per_second=WRITES_PER_SECOND), replace())
            await until_caught_up(keepers, commits, seconds=BACK_SECONDS)

            assert all(not keeper.books.told_at for keeper in keepers)
            assert_books_balance(keepers, commits)


async def test_postgresql_killed(tmp_path: Path) -> None:
    """Requests fail while it is away; what was committed arrives, what was not does not."""
    with Fleet(tmp_path) as fleet:
        async with under_load(fleet, tabs=50) as (keepers, commits):
            await commits.run(1, per_second=WRITES_PER_SECOND)
            fleet.postgresql.signal(signal.SIGQUIT)
            await commits.run(1, per_second=WRITES_PER_SECOND)
            fleet.postgresql.kill()
            fleet.postgresql.start()
            await asyncio.sleep(1)
            commits.reset()
            await commits.run(2, per_second=WRITES_PER_SECOND)
            await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS)

            assert commits.writes.refused == []
            assert_books_balance(keepers, commits)


async def test_edge_reloaded_and_killed(tmp_path: Path) -> None:
    """Nothing is lost, and all are back within 15 s."""
    with Fleet(tmp_path) as fleet:
        async with under_load(fleet, tabs=100) as (keepers, commits):
            await commits.run(1, per_second=WRITES_PER_SECOND)
            for _ in range(3):
                fleet.edge.signal(signal.SIGHUP)
                await commits.run(0.5, per_second=WRITES_PER_SECOND)
            fleet.edge.kill_all()
            await asyncio.to_thread(fleet.edge.start)
            await commits.run(1, per_second=WRITES_PER_SECOND)
            await until_caught_up(keepers, commits, seconds=BACK_SECONDS)

            assert all(not keeper.books.told_at for keeper in keepers)
            assert_books_balance(keepers, commits)


@pytest.mark.parametrize("part", ["realtime", "api", "worker"])
@pytest.mark.parametrize("hours", [1, -1, 24, -24])
async def test_clock_that_is_wrong(tmp_path: Path, part: str, hours: int) -> None:
    """Order and age come from no local clock: no row waits, nothing is reordered, nobody is closed."""
    with Fleet(tmp_path, skewed={part: hours * 3600}) as fleet:
        async with under_load(fleet, tabs=20) as (keepers, commits):
            await commits.run(1, per_second=WRITES_PER_SECOND)
            fleet.redis.signal(signal.SIGSTOP)
            await commits.run(1, per_second=WRITES_PER_SECOND)
            fleet.redis.signal(signal.SIGCONT)
            await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS)

            assert commits.writes.refused == []
            assert all(keeper.books.connections == 1 and not keeper.books.told_at for keeper in keepers)
            assert_books_balance(keepers, commits)


KEY = {"X-API-Key": "server-api-key"}
