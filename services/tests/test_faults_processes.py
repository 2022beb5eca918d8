"""
Faults of processes and clocks, under load: nothing lost, repeated, reordered or invented, or the page is told.

One fleet stands through all of them, in a short form and a long one, as in test_faults_redis.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import httpx
import pytest

from rig.faults import (
    BACK_SECONDS,
    DRAINED_SECONDS,
    SHORT,
    SLOW,
    UNSEEN,
    Form,
    forms,
    under_load,
    until_drained,
)
from rig.fleet import Fleet
from rig.load import assert_all_arrived, until_caught_up
from rig.servers import wait_until

pytest_plugins = ["rig.fault_fixtures"]


@forms
async def test_api_and_workers_killed_at_random(fleet: Fleet, form: Form) -> None:
    """Between commit and publish: the row is there, and somebody else sends it, once."""
    async with under_load(fleet, form.tabs // 2) as (keepers, commits):

        async def kill_now_and_then() -> None:
            for round_ in range(form.rounds):
                await asyncio.sleep(0.7)
                for part in (fleet.apis[round_ % 2], fleet.workers[round_ % 2]):
                    await asyncio.to_thread(part.kill)
                    await asyncio.to_thread(part.start)

        killing = asyncio.create_task(kill_now_and_then())
        while not killing.done():
            await commits.run(1, per_second=form.rate)
        await killing
        await commits.run(1, per_second=form.rate)
        await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS + form.slack)

        assert_all_arrived(keepers, commits)


async def test_gunicorn_worker_that_hangs_in_a_commit(fleet: Fleet) -> None:
    """The arbiter ends it: what PostgreSQL commits all the same arrives once, what it rolls back never."""
    fleet.sql(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(6); RETURN NULL; END'"
    )
    fleet.sql(
        "CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON counters_counter DEFERRABLE INITIALLY DEFERRED"
        f" FOR EACH ROW WHEN (NEW.name = '{SLOW}') EXECUTE FUNCTION wait()"
    )
    try:
        async with under_load(fleet, 4, [SLOW]) as (keepers, commits):
            with fleet.another_api(GUNICORN_CMD_ARGS="--timeout 2") as api:
                assert api.process is not None
                async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", timeout=30) as http:
                    path = f"/api/counters/{SLOW}/increment/"
                    requests = [asyncio.create_task(http.post(path)) for _ in range(2)]  # one commits, one waits for it
                    await asyncio.to_thread(wait_until, lambda: sleeping(fleet) == 2, what="both in PostgreSQL")
                    [worker] = children(api.process.pid)
                    os.kill(worker, signal.SIGSTOP)  # its heartbeat too
                    failed = await asyncio.gather(*requests, return_exceptions=True)
                    await asyncio.to_thread(wait_until, lambda: not sleeping(fleet), what="the end of both")
                    [(value,)] = fleet.sql("SELECT value FROM counters_counter WHERE name = %s", SLOW)
                    commits.values[SLOW] = list(range(1, value + 1))
                    await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS + SHORT.slack)
                    await until_drained(fleet, DRAINED_SECONDS)
    finally:
        fleet.sql("DROP FUNCTION wait CASCADE")

    assert all(isinstance(error, httpx.HTTPError) for error in failed)
    assert [keeper.record.seen for keeper in keepers] == [list(range(1, value + 1))] * len(keepers)
    assert value == 1


def sleeping(fleet: Fleet) -> int:
    """How many transactions of the example are in a commit that takes long, or wait for one."""
    events = ["PgSleep", "transactionid", "tuple"]
    [(count,)] = fleet.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = ANY(%s)", events)
    return int(count)


def children(pid: int) -> list[int]:
    """Return the children of a process."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@forms
async def test_realtime_killed_and_drained(fleet: Fleet, form: Form) -> None:
    """Whoever was on it comes back at the other, with its position."""
    async with under_load(fleet, form.tabs) as (keepers, commits):

        async def replace() -> None:
            for _ in range(form.rounds // 2):
                await asyncio.sleep(0.7)
                await asyncio.to_thread(fleet.realtimes[0].kill)
                await asyncio.to_thread(fleet.realtimes[0].start)
                await asyncio.sleep(0.7)
                await asyncio.to_thread(fleet.realtimes[1].stop)
                await asyncio.to_thread(fleet.realtimes[1].start)

        replacing = asyncio.create_task(replace())
        while not replacing.done():
            await commits.run(1, per_second=form.rate)
        await replacing
        await until_caught_up(keepers, commits, seconds=BACK_SECONDS + form.slack)
        codes = {code for keeper in keepers for code in keeper.record.closes}

        assert codes <= {1006, 3001}
        assert 3001 in codes
        assert all(not keeper.record.told_at for keeper in keepers)
        assert_all_arrived(keepers, commits)


@forms
async def test_postgresql_killed(fleet: Fleet, form: Form) -> None:
    """Requests are answered with 503 while it is away; what was committed arrives, what was not does not."""
    async with under_load(fleet, form.tabs // 2) as (keepers, commits):
        for _ in range(form.rounds // 2):
            await commits.run(1, per_second=form.rate)
            fleet.postgresql.signal(signal.SIGQUIT)
            await commits.run(1, per_second=form.rate)
            fleet.postgresql.kill()
            await asyncio.to_thread(fleet.postgresql.start)
            await asyncio.to_thread(wait_until, lambda: serves(fleet), what="the api")
        refused, commits.writes.refused = commits.writes.refused, []
        await commits.run(1, per_second=form.rate)
        await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS + form.slack)

        assert refused
        assert [each for each in refused if ": 503 " not in each] == []
        assert commits.writes.refused == []
        assert all(keeper.record.connections == 1 for keeper in keepers)


def serves(fleet: Fleet) -> bool:
    """Tell whether every api process answers with a row."""
    with contextlib.suppress(httpx.HTTPError):
        urls = [f"http://127.0.0.1:{api.port}/api/counters/{UNSEEN}/" for api in fleet.apis]
        return all(httpx.get(url, timeout=10).status_code == 200 for url in urls)
    return False


@forms
async def test_edge_reloaded_and_killed(fleet: Fleet, form: Form) -> None:
    """Nothing is lost, and all are back within 15 s."""
    async with under_load(fleet, form.tabs) as (keepers, commits):
        await commits.run(0.5, per_second=form.rate)
        for _ in range(3):
            fleet.edge.signal(signal.SIGHUP)
            await commits.run(0.5, per_second=form.rate)
        fleet.edge.kill()
        await asyncio.to_thread(fleet.edge.start)
        await commits.run(1, per_second=form.rate)
        await until_caught_up(keepers, commits, seconds=BACK_SECONDS + form.slack)

        assert all(not keeper.record.told_at for keeper in keepers)
        assert_all_arrived(keepers, commits)


DAY = 24 * 3600


@pytest.mark.parametrize(
    "clocks",
    [
        pytest.param({"realtime": DAY, "api": -DAY, "worker": 3600}, id="all"),
        *(
            pytest.param({part: hours * 3600}, id=f"{part}{hours:+}h", marks=pytest.mark.slow)
            for part in ("realtime", "api", "worker")
            for hours in (1, -1, 24, -24)
        ),
    ],
)
async def test_clocks_that_are_wrong(fleet: Fleet, clocks: dict[str, int]) -> None:
    """Order and age come from no local clock: no row waits, nothing is reordered, nobody is closed."""
    await asyncio.to_thread(fleet.set_clocks, **clocks)
    async with under_load(fleet, 20) as (keepers, commits):
        await commits.run(1, per_second=SHORT.rate)
        fleet.redis.signal(signal.SIGSTOP)
        await commits.run(1, per_second=SHORT.rate)
        fleet.redis.signal(signal.SIGCONT)
        await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS + SHORT.slack)

        assert commits.writes.refused == []
        assert all(keeper.record.connections == 1 and not keeper.record.told_at for keeper in keepers)
        assert_all_arrived(keepers, commits)
