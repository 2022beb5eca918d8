"""
Faults of Redis, under load: nothing lost, repeated, reordered or invented, or the page is told.

One fleet stands through all of them, as a cluster would. Each fault has a short form, with bounds that a busy machine
can hold, and a long one (``make soak``) with those that are promised.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator

import httpx
import redis as redis_py

from rig.faults import (
    COUNTERS,
    DRAINED_SECONDS,
    UNSEEN,
    WHOLE_SECONDS,
    Form,
    forms,
    under_load,
    until_drained,
)
from rig.fleet import Fleet
from rig.load import assert_all_arrived, counter_channel, until_caught_up
from rig.stack import ADMIN_PASSWORD
from rig.wire import open_wire
from tandem.tokens import connection_token

pytest_plugins = ["rig.fault_fixtures"]

USUAL_SECONDS = 3
NOTICED_SECONDS = 10
CONTROL_SECONDS = 2
BACKLOG = 20_000
HISTORY = 300
"""So many publications of a counter the stream keeps. Whoever missed more is told to reload."""
KEY = {"X-API-Key": "server-api-key"}


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
