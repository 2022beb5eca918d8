"""Event streams: the SDK's, and the one-way kind that a plain EventSource reads and resumes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from rig.pair import TOKEN_KEY, Pair, open_stream
from tandem import apublish
from tandem.tickets import acreate_ticket
from tandem.tokens import connection_token


def url(pair: Pair, *channels: str, **params: str) -> str:
    query = urlencode([*(("channel", channel) for channel in channels), *params.items()])
    return f"{pair.here.url}/ws/sse/?{query}"


async def status(address: str, **headers: str) -> tuple[int, Any]:
    """Return what a refused EventSource gets."""
    async with httpx.AsyncClient(timeout=5) as client:
        answer = await client.get(address, headers=headers)
    return answer.status_code, answer.json()["code"]


# The SDK's


@pytest.mark.parametrize("path", ["/ws/sse", "/ws/sse/"])
async def test_sdk_connects_through_the_address(pair: Pair, path: str) -> None:
    """`cf_connect` is the connect command; replies are data lines."""
    connect = json.dumps({"id": 1, "connect": {"token": connection_token(TOKEN_KEY, "42")}})
    async with open_stream("GET", pair.here.url + path, params={"cf_connect": connect}) as lines:
        reply = await lines.json()

    assert lines.response.headers["content-type"] == "text/event-stream"
    assert (reply["id"], bool(reply["connect"]["session"])) == (1, True)


async def test_sdk_is_told_why_it_ends(pair: Pair) -> None:
    """A forged token: a disconnect push, and the end."""
    connect = json.dumps(
        {"id": 1, "connect": {"token": connection_token("another key, as long as it has to be", "42")}}
    )
    async with open_stream("GET", f"{pair.here.url}/ws/sse", params={"cf_connect": connect}) as lines:
        push = await lines.json()
        await lines.end()

    assert push == {"push": {"disconnect": {"code": 3500, "reason": "invalid token"}}}


# One-way


async def test_publications_are_events_with_their_position_as_id(pair: Pair) -> None:
    """The first event tells where the stream stands, so that no cut goes unnoticed."""
    async with open_stream("GET", url(pair, "public:sse")) as lines:
        begin = await lines.event()
        at = await apublish("public:sse", {"n": 1})
        event = await lines.event()

    assert begin["event"] == "position"
    assert begin["id"] == f"{at.epoch}:{at.offset - 1}"
    data = {"channel": "public:sse", "data": {"n": 1}, "offset": at.offset, "epoch": at.epoch}
    assert event == {"id": str(at), "data": data}


async def test_last_event_id_resumes_every_channel(pair: Pair) -> None:
    """An id carries the position in each channel; what came meanwhile in any of them is there after a cut."""
    channels = "public:sse-a", "public:sse-b"
    async with open_stream("GET", url(pair, *channels)) as lines:
        await lines.event()
        await lines.event()
        await apublish("public:sse-a", 1)
        await lines.event()
        await apublish("public:sse-b", 2)
        last = await lines.event()
    await apublish("public:sse-b", 3)
    await apublish("public:sse-a", 4)
    async with open_stream("GET", url(pair, *channels), headers={"Last-Event-ID": last["id"]}) as lines:
        events = [await lines.event() for _ in range(4)]

    missed = [(event["data"]["channel"], event["data"]["data"]) for event in events if "event" not in event]
    assert missed == [("public:sse-a", 4), ("public:sse-b", 3)]
    assert all(event["data"].get("recovered", True) for event in events)


async def test_since_resumes_from_what_the_page_has_loaded(pair: Pair) -> None:
    """A page that loaded its state at a position gets what came after it."""
    at = await apublish("public:sse-since", 1)
    await apublish("public:sse-since", 2)
    async with open_stream("GET", url(pair, "public:sse-since", since=str(at))) as lines:
        event = await lines.event()

    assert event["data"]["data"] == 2


async def test_last_id_resumes_with_a_new_ticket(pair: Pair) -> None:
    """A ticket works once, so the page opens a new address, with the last id that it saw as ``since``."""
    channels = "members:back-a", "members:back-b"
    async with open_stream("GET", url(pair, *channels, ticket=await acreate_ticket("42"))) as lines:
        await lines.event()
        last = await lines.event()
    await apublish("members:back-a", 1)
    await apublish("members:back-b", 2)
    address = url(pair, *channels, ticket=await acreate_ticket("42"), since=last["id"])
    async with open_stream("GET", address) as lines:
        events = [await lines.event() for _ in range(4)]

    assert [event["data"]["data"] for event in events if "event" not in event] == [1, 2]


@pytest.mark.parametrize("event_id", ["another-epoch:3", "nonsense", "a:1,b:2", "x:999999999999999999999"])
async def test_unknown_last_event_id_is_told_as_lost(pair: Pair, event_id: str) -> None:
    """A page whose position is of another epoch, or no position at all, is told to reload, and served from now on."""
    await apublish("public:sse-lost", 1)
    async with open_stream("GET", url(pair, "public:sse-lost"), headers={"Last-Event-ID": event_id}) as lines:
        lost = await lines.event()
        begin = await lines.event()
        at = await apublish("public:sse-lost", 2)
        event = await lines.event()

    assert (lost["data"]["recovered"], begin["event"]) == (False, "position")
    assert event["id"] == str(at)


async def test_refusals_are_statuses_after_which_no_event_source_comes_back(pair: Pair) -> None:
    """EventSource retries a stream that ended, and gives up on any status but 200."""
    assert await status(url(pair)) == (400, 107)
    assert await status(url(pair, "nowhere:x")) == (404, 102)
    assert await status(url(pair, "bad name")) == (400, 107)
    assert await status(url(pair, "public:x", "public:x")) == (400, 107)
    assert await status(url(pair, "public:x", since="nonsense")) == (400, 107)
    assert await status(url(pair, "members:x")) == (403, 103)
    assert await status(url(pair, *(f"public:{n}" for n in range(129)))) == (400, 107)
    assert await status(url(pair, "public:x", ticket="made-up")) == (401, 101)
    assert await status(url(pair, "public:x"), origin="https://foe.example") == (403, 103)


async def test_ticket_says_who_listens(pair: Pair) -> None:
    """With a ticket a page without an SDK hears what its user may hear."""
    for channel in ("members:x", "room:9#7,42", "notifications:#42"):
        ticket = await acreate_ticket("42")
        async with open_stream("GET", url(pair, channel, ticket=ticket)) as lines:
            assert (await lines.event())["event"] == "position"
    refused = await status(url(pair, "room:9#7", ticket=await acreate_ticket("42")))

    assert refused == (403, 103)


async def test_friend_may_read(pair: Pair) -> None:
    """A page of an allowed origin gets the header that lets it read; a page of ours needs none."""
    async with open_stream("GET", url(pair, "public:x"), headers={"origin": "https://friend.example"}) as friend:
        pass
    async with open_stream("GET", url(pair, "public:x"), headers={"origin": pair.here.url}) as own:
        pass

    assert friend.response.headers["access-control-allow-origin"] == "https://friend.example"
    assert friend.response.headers["vary"] == "origin"
    assert own.response.headers["access-control-allow-origin"] == pair.here.url


async def test_drain_is_an_event_before_the_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The page learns why, and its EventSource comes back by itself."""
    with Pair(tmp_path_factory.mktemp("drain")) as own:
        async with open_stream("GET", url(own, "public:x")) as lines:
            await lines.event()
            own.here.process.terminate()  # type: ignore[union-attr]
            event = await lines.event()
            await lines.end()

    assert event == {"event": "disconnect", "data": {"code": 3001, "reason": "shutdown"}}
