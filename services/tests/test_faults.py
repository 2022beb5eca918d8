"""
Faults of what stands around us, under load: nothing lost, repeated, reordered or invented, or the page is told.

One fleet stands through all of them, as a cluster would. Each fault has a short form, with bounds that a busy machine
can hold, and a long one (``make soak``) with those that are promised.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import redis as redis_py

from rig.fleet import Fleet
from rig.keeper import Keeper
from rig.load import Commits, assert_all_arrived, counter_channel, until_caught_up, watching
from rig.servers import wait_until
from rig.stack import ADMIN_PASSWORD
from rig.wire import open_wire
from tandem.tokens import connection_token

COUNTERS = [f"load-{number}" for number in range(50)]
UNSEEN = "unseen"
SLOW = "slow"
USUAL_SECONDS = 3
NOTICED_SECONDS = 10
WHOLE_SECONDS = 5
DRAINED_SECONDS = 10
BACK_SECONDS = 15
CONTROL_SECONDS = 2
BACKLOG = 20_000
HISTORY = 300
"""So many publications of a counter the stream keeps. Whoever missed more is told to reload."""
KEY = {"X-API-Key": "server-api-key"}


class Form(NamedTuple):
    """
    How large a fault is tried: tabs on how many counters, writes a second and as many reads, for how long, how often.

    As many counters as it takes for the tabs, which are one process, to keep up with all that they missed.
    *slack* is how many seconds later than promised things may be where others use the machine too, and *share* of the
    requests have to be answered in their usual time.
    """

    tabs: int
    counters: int
    rate: int
    away_seconds: float
    rounds: int
    slack: float
    share: float


SHORT, LONG = Form(100, 10, 10, 30, 2, 10, 0.5), Form(500, 50, 20, 300, 8, 0, 0.99)
forms = pytest.mark.parametrize("form", [SHORT, pytest.param(LONG, marks=pytest.mark.slow)], ids=["short", "long"])


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two of everything, and the counters of all tests."""
    options = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
    environ = {"TANDEM_NAMESPACES": '{"crowd": {"presence": true}}'}

    def run() -> Fleet:
        return Fleet(tmp_path_factory.mktemp("fleet") / "parts", redis_options=options, environ=environ)

    with contextlib.ExitStack() as running:
        try:
            fleet = running.enter_context(run())
        except RuntimeError:  # a port that was free when it was chosen is somebody else's by now
            fleet = running.enter_context(run())
        names = [*COUNTERS, UNSEEN, SLOW]
        fleet.manage("shell", "-c", f"from api.counters.actions import create; [create(n) for n in {names}]")
        yield fleet


@contextlib.asynccontextmanager
async def under_load(
    fleet: Fleet, tabs: int, counters: list[str] = COUNTERS[:10]
) -> AsyncIterator[tuple[list[Keeper], Commits]]:
    """Tabs that watch the counters, and what commits to them. Nothing waits from before."""
    await until_drained(fleet, DRAINED_SECONDS + SHORT.slack)
    commits = Commits(fleet.url, counters)
    try:
        async with watching(fleet.ws_url, counters, tabs) as keepers:
            yield keepers, commits
    finally:
        await commits.close()


async def until_drained(fleet: Fleet, seconds: float) -> None:
    """Wait until no publication waits in the outbox."""
    until = time.monotonic() + seconds
    while waiting := await asyncio.to_thread(fleet.waiting_rows):
        assert time.monotonic() < until, f"{waiting} rows wait after {seconds:g} s"
        await asyncio.sleep(0.1)


@forms
async def test_redis_away(fleet: Fleet, form: Form) -> None:
    """Pages and writes go on at their usual time; no socket closes and none says live; then everybody is whole."""
    counters = COUNTERS[: form.counters]
    async with under_load(fleet, form.tabs, counters) as (keepers, commits), logged_in(fleet) as http:
        await commits.run(USUAL_SECONDS, per_second=form.rate)
        usual = commits.writes.percentile(form.share), commits.reads.percentile(form.share)
        commits.reset()
        fleet.redis.kill()
        away_at = time.monotonic()
        _, answers = await asyncio.gather(
            commits.run(form.away_seconds, per_second=form.rate), what_only_redis_knows(http)
        )
        told = {keeper: [state for at, state in keeper.record.states if at > away_at] for keeper in keepers}
        late = [at - away_at for keeper in keepers for at, state in keeper.record.states if state == "stale"]
        await asyncio.to_thread(fleet.redis.start)
        back_at = time.monotonic()
        await until_drained(fleet, DRAINED_SECONDS + form.slack)
        drained = time.monotonic() - back_at
        with redis_py.Redis.from_url(fleet.redis.url) as client:
            await until_caught_up(
                keepers,
                commits,
                seconds=WHOLE_SECONDS + form.slack,
                end_of=lambda channel: int(client.hget(f"tandem:meta:{{{channel}}}", "o") or 0),
            )
        whole = time.monotonic() - back_at
        reloaded = sum(bool(keeper.record.told_at) for keeper in keepers)

        took = commits.writes.percentile(form.share), commits.reads.percentile(form.share)
        slowest = max(commits.writes.seconds + commits.reads.seconds)
        print(f"writes and reads {took}, usual {usual}; slowest {slowest:.3f} s; stale after {max(late):.1f} s;")
        print(f"drained after {drained:.1f} s, whole after {whole:.1f} s, {reloaded} told; without Redis {answers}")
        assert commits.writes.refused == commits.reads.refused == []
        assert took[0] < usual[0] + 0.05 + form.slack / 5
        assert took[1] < usual[1] + 0.05 + form.slack / 5
        assert slowest < 1 or form.slack
        assert {answer[:2] for answer in answers.values()} == {(503, True)}
        assert max(seconds for *_, seconds in answers.values()) < 0.3 + form.slack / 5
        assert {tuple(states) for states in told.values()} == {("stale",)}
        assert max(late) < NOTICED_SECONDS + form.slack / 2
        assert whole < WHOLE_SECONDS + form.slack
        assert {keeper.record.states[-1][1] for keeper in keepers} == {"live"}
        assert all(keeper.record.connections == 1 for keeper in keepers)
        assert not reloaded or form.away_seconds * form.rate / form.counters > HISTORY
        assert_all_arrived(keepers, commits)


@contextlib.asynccontextmanager
async def logged_in(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of the user "admin"."""
    async with httpx.AsyncClient(base_url=fleet.url, timeout=20, headers={"Origin": fleet.url}) as http:
        await http.get("/admin/login/")
        form = {"username": "admin", "password": ADMIN_PASSWORD, "csrfmiddlewaretoken": http.cookies["csrftoken"]}
        answer = await http.post("/admin/login/", data=form)
        assert answer.status_code == 302, answer.text
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        yield http


async def what_only_redis_knows(http: httpx.AsyncClient) -> dict[str, tuple[int, bool, float]]:
    """Ask for it a second into an outage: status, whether it says when to try again, seconds."""
    await asyncio.sleep(1)
    channel = {"channel": counter_channel(COUNTERS[0])}
    answers = {}
    for path, body in (
        ("/realtime/ticket/", {"channels": [channel["channel"]]}),
        ("/server/history", channel),
        ("/server/presence", {"channel": "crowd:1"}),
        ("/server/publish", {**channel, "data": 1}),
    ):
        started = time.monotonic()
        answer = await http.post(path, json=body, headers=KEY)
        answers[path] = answer.status_code, "Retry-After" in answer.headers, time.monotonic() - started
    return answers


@forms
async def test_redis_full_with_a_backlog(fleet: Fleet, form: Form) -> None:
    """What Redis refuses stops its channel: nothing overtakes, requests go on, and all is sent when there is room."""
    async with under_load(fleet, form.tabs // 2) as (keepers, commits):
        await commits.run(1, per_second=form.rate)
        with redis_py.Redis.from_url(fleet.redis.url) as client:
            for _ in range(form.rounds):  # at the limit, over it, below it ...
                client.config_set("maxmemory", "1mb")
                await commits.run(1.2, per_second=form.rate)
                client.config_set("maxmemory", "0")
                await commits.run(0.4, per_second=form.rate)
        await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS + form.slack)

        assert commits.writes.refused == []
        assert all(not keeper.record.told_at for keeper in keepers)
        assert_all_arrived(keepers, commits)


@forms
async def test_redis_cuts_its_clients(fleet: Fleet, form: Form) -> None:
    """Every connection to Redis is closed by it, those that publish and those that listen: nobody notices."""
    async with under_load(fleet, form.tabs // 2) as (keepers, commits):

        async def cut_now_and_then() -> None:
            with redis_py.Redis.from_url(fleet.redis.url) as client:
                for _ in range(form.rounds):
                    await asyncio.sleep(0.7)
                    for kind in ("pubsub", "normal"):
                        client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

        await asyncio.gather(commits.run(form.rounds, per_second=form.rate), cut_now_and_then())
        await until_caught_up(keepers, commits, seconds=WHOLE_SECONDS + form.slack)

        assert commits.writes.refused == []
        assert all(keeper.record.connections == 1 and not keeper.record.told_at for keeper in keepers)
        assert_all_arrived(keepers, commits)


@forms
async def test_connections_are_ended_after_an_outage(fleet: Fleet, form: Form) -> None:
    """Whoever was to go while Redis hung goes as soon as it answers, whatever else is told before and after."""
    key = fleet.environ["TANDEM_TOKEN_KEYS"]
    async with contextlib.AsyncExitStack() as opened, httpx.AsyncClient(base_url=fleet.url, timeout=20) as http:
        wires = {
            user: await opened.enter_async_context(open_wire(fleet.ws_url, token=connection_token(key, user)))
            for user in ("before", "during", "later", "after", "other")
        }

        async def end(user: str) -> None:
            answer = await http.post("/server/disconnect", json={"user": user}, headers=KEY)
            assert answer.json() == {"result": {}}

        await end("before")
        fleet.redis.signal(signal.SIGSTOP)
        await end("during")
        await asyncio.sleep(min(form.away_seconds / 5, 20))  # long enough for everybody to give up what hangs
        await end("later")
        fleet.redis.signal(signal.SIGCONT)
        healed_at = time.monotonic()
        await end("after")
        codes = [(await wires[user].closed())[0] for user in ("before", "during", "later", "after")]
        took = time.monotonic() - healed_at
        print(f"ended after {took:.1f} s")

        assert codes == [3503] * 4
        assert took < CONTROL_SECONDS + form.slack
        assert "unsubscribe" in await wires["other"].command(unsubscribe={"channel": "public:x"})


@forms
async def test_first_requests_after_an_outage(fleet: Fleet, form: Form) -> None:
    """What others left in the outbox is the worker's: 20,000 rows of its channel make no request slow."""
    async with under_load(fleet, 0, [UNSEEN]) as (_, commits):
        await commits.run(1, per_second=form.rate)
        usual = commits.writes.percentile(form.share)
        commits.reset()
        await asyncio.to_thread(
            fleet.sql,
            "INSERT INTO tandem_outboxentry (channel, data, tags, request_id, key)"
            " SELECT %s, number::text, '{}', '', 'left-' || extract(epoch FROM now())::bigint || '-' || number"
            " FROM generate_series(1, %s::int) AS number",
            counter_channel(UNSEEN),
            BACKLOG,
        )
        await commits.run(2, per_second=5)
        waiting = await asyncio.to_thread(fleet.waiting_rows)
        started = time.monotonic()
        await until_drained(fleet, 60)
        seconds = time.monotonic() - started
        took = commits.writes.percentile(form.share)
        print(f"writes {took:.3f} s, usual {usual:.3f} s; {waiting} rows gone after {seconds:.1f} s more")

        assert commits.writes.refused == []
        assert took < usual + 0.1 + form.slack / 10


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
    """Requests fail while it is away; what was committed arrives, what was not does not."""
    async with under_load(fleet, form.tabs // 2) as (keepers, commits):
        for _ in range(form.rounds // 2):
            await commits.run(1, per_second=form.rate)
            fleet.postgresql.signal(signal.SIGQUIT)
            await commits.run(1, per_second=form.rate)
            fleet.postgresql.kill()
            await asyncio.to_thread(fleet.postgresql.start)
            await asyncio.to_thread(wait_until, lambda: serves(fleet), what="the api")
        commits.writes.refused.clear()
        await commits.run(1, per_second=form.rate)
        await until_caught_up(keepers, commits, seconds=DRAINED_SECONDS + form.slack)

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
