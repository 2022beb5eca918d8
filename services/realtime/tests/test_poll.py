"""Long polls: now if there is something, else when it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest

from rig.pair import Pair, Realtime
from tandem import apublish, control
from tandem.tickets import acreate_ticket
from tandem_realtime.consumers.poll import WAIT_SECONDS

LIVE = {"state": "live"}


async def poll(pair: Pair, path: str = "/ws/poll/", **params: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=30) as client:
        return await client.get(pair.here.url + path, params=params)


async def polling(process: Realtime, polls: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Begin to poll, and return when *process* has it wait."""
    before = process.metric("tandem_subscriptions")
    waiting = asyncio.create_task(polls)
    async with asyncio.timeout(20):
        while await asyncio.to_thread(process.metric, "tandem_subscriptions") == before:
            await asyncio.sleep(0.05)
    return waiting


async def answer(pair: Pair, **params: str) -> dict[str, Any]:
    response = await poll(pair, **params)
    assert response.status_code == 200, response.text
    return dict(response.json())


@pytest.mark.parametrize("path", ["/ws/poll", "/ws/poll/"])
async def test_without_since_answers_the_position(pair: Pair, path: str) -> None:
    """A page that begins needs to know where to go on from."""
    at = await apublish("public:poll", 1)
    response = await poll(pair, path, channel="public:poll")

    assert response.json() == {
        "publications": [],
        "epoch": at.epoch,
        "offset": at.offset,
        "recovered": False,
        "state": "live",
    }
    assert response.headers["cache-control"] == "no-store, no-transform"


async def test_answers_at_once_what_is_there(pair: Pair) -> None:
    """Everything after the position, in order."""
    at = await apublish("public:poll", 1)
    await apublish("public:poll", 2)
    await apublish("public:poll", 3)
    found = await answer(pair, channel="public:poll", since=str(at))

    publications = [{"data": 2, "offset": at.offset + 1}, {"data": 3, "offset": at.offset + 2}]
    assert found == {
        "publications": publications,
        "epoch": at.epoch,
        "offset": at.offset + 2,
        "recovered": True,
        "state": "live",
    }


async def test_much_comes_in_pages(pair: Pair) -> None:
    """An answer has no more than a page of it, and says where the next one begins."""
    at = await apublish("public:poll", 1)
    for number in range(10):
        await apublish("public:poll", {"number": number, "text": "x" * 60_000})
    found: list[int] = []
    since, asked = str(at), 0
    while len(found) < 10:
        page = await answer(pair, channel="public:poll", since=since)
        found += [each["data"]["number"] for each in page["publications"]]
        since, asked = f"{page['epoch']}:{page['offset']}", asked + 1

    assert found == list(range(10))
    assert asked == 3


async def test_waits_for_what_comes(pair: Pair) -> None:
    """Nothing yet: the answer is the next publication."""
    at = await apublish("public:poll", 1)
    waiting = asyncio.create_task(answer(pair, channel="public:poll", since=str(at)))
    await asyncio.wait([waiting], timeout=0.3)
    assert not waiting.done()
    await apublish("public:poll", 2)
    found = await asyncio.wait_for(waiting, 20)

    assert found["publications"] == [{"data": 2, "offset": at.offset + 1}]


async def test_another_epoch_is_told(pair: Pair) -> None:
    """Nothing can follow a position that the stream does not know: load the state again."""
    at = await apublish("public:poll", 1)
    found = await answer(pair, channel="public:poll", since="another:7")

    assert found == {"publications": [], "epoch": at.epoch, "offset": at.offset, "recovered": False, **LIVE}


async def test_latest_comes_first(pair: Pair) -> None:
    """In a namespace that keeps the latest value, a page that begins gets it."""
    at = await apublish("latest:poll", {"value": 7})
    found = await answer(pair, channel="latest:poll")

    assert found["publications"] == [{"data": {"value": 7}, "offset": at.offset}]


async def test_refusals(pair: Pair) -> None:
    """One channel, with a history, that the asker may hear."""
    asked = [
        {"channel": "live:x"},
        {},
        {"channel": "nowhere:x"},
        {"channel": "members:x"},
        {"channel": "public:x", "since": "-1"},
        {"channel": "members:x", "ticket": "made-up"},
    ]
    answers = [await poll(pair, **params) for params in asked]

    found = [(response.status_code, response.json()["code"]) for response in answers]
    assert found == [(400, 108), (400, 107), (404, 102), (403, 103), (400, 107), (401, 101)]


async def test_ended_login_ends_the_wait(pair: Pair) -> None:
    """Who logs out while a poll waits gets 403 long before it would have been answered, and not what comes later."""
    at = await apublish("members:poll", 1)
    ticket = await acreate_ticket("42", session="login-poll")
    waiting = await polling(pair.here, poll(pair, channel="members:poll", since=str(at), ticket=ticket))
    started = time.monotonic()
    await control.adisconnect(session="login-poll", code=3500, reason="invalid token")
    response = await asyncio.wait_for(waiting, 20)

    assert response.status_code == 403
    assert time.monotonic() - started < WAIT_SECONDS / 2


async def test_drain_answers_those_who_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    """They ask again, elsewhere."""
    with Pair(tmp_path_factory.mktemp("drain")) as own, own.settings():
        at = await apublish("public:poll", 1)
        waiting = await polling(own.here, answer(own, channel="public:poll", since=str(at)))
        own.here.process.terminate()  # type: ignore[union-attr]
        found = await asyncio.wait_for(waiting, 20)

    assert found == {"publications": [], "epoch": at.epoch, "offset": at.offset, "recovered": True, **LIVE}
