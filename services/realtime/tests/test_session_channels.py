"""Publish, history and presence through the socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tandem import apublish
from tandem_realtime.runtime import Runtime
from tests.session_clients import FakeTransport, user

DENIED = {"error": {"code": 103, "message": "permission denied"}}
BAD = {"error": {"code": 107, "message": "bad request"}}


async def test_client_publishes_where_it_may(runtime: Runtime, client: FakeTransport) -> None:
    """To a channel that it subscribes to and whose namespace says so; everybody sees who it was."""
    early = await client.command(publish={"channel": "public:a", "data": 1})
    await client.subscribe("public:a")
    await client.subscribe("latest:a")
    reply = await client.command(publish={"channel": "public:a", "data": {"x": 1}})
    [push] = await client.until(1)

    assert (early, reply) == (DENIED, {"publish": {}})
    assert push["pub"] == {"data": {"x": 1}, "offset": 1, "info": {"user": "", "client": client.session.client}}
    assert await client.command(publish={"channel": "latest:a", "data": 1}) == DENIED
    assert await client.command(publish={"channel": "public:a"}) == BAD
    assert (await client.command(publish={"channel": "nowhere:a", "data": 1}))["error"]["code"] == 102


async def test_history_by_pages(client: FakeTransport) -> None:
    """Subscribers of a namespace that has one and shows it."""
    for number in range(5):
        epoch = (await apublish("public:a", number)).epoch
    early = await client.command(history={"channel": "public:a"})
    for channel in ("public:a", "live:a", "latest:a"):
        await client.subscribe(channel)

    async def history(**options: Any) -> Any:
        return (await client.command(history={"channel": "public:a", **options})).get("history")

    assert early == DENIED
    assert await history() == {"epoch": epoch, "offset": 5}
    assert [p["offset"] for p in (await history(limit=-1))["publications"]] == [1, 2, 3, 4, 5]
    assert [p["offset"] for p in (await history(limit=2, since={"epoch": epoch, "offset": 2}))["publications"]] == [
        3,
        4,
    ]
    assert [p["offset"] for p in (await history(limit=2, reverse=True))["publications"]] == [5, 4]
    assert (await client.command(history={"channel": "live:a"}))["error"]["code"] == 108
    assert await client.command(history={"channel": "latest:a"}) == DENIED


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"limit": -2}, 107),
        ({"limit": 1, "since": {"epoch": "e", "offset": -1}}, 107),
        ({"limit": 1, "since": {"epoch": "e", "offset": 10**30}}, 107),
        ({"limit": 1, "since": {"epoch": "another", "offset": 10**15}}, 112),
        ({"limit": 1, "since": {"epoch": "another", "offset": 0}}, 112),
    ],
)
async def test_history_from_nowhere(client: FakeTransport, options: dict[str, Any], code: int) -> None:
    """Numbers that cannot be 107, positions that are not there 112."""
    await client.subscribe("public:a")

    assert (await client.command(history={"channel": "public:a", **options}))["error"]["code"] == code


async def test_presence(runtime: Runtime) -> None:
    """Who is there, with what their tokens say of them; only for subscribers of a namespace that keeps it."""
    ada, bob = await user(runtime, "1", info={"name": "Ada"}), await user(runtime, "2")
    early = await bob.command(presence={"channel": "room:a"})
    for client in (ada, bob):
        await client.subscribe("room:a")
    await bob.until(1)
    present = (await bob.command(presence={"channel": "room:a"}))["presence"]["presence"]
    stats = await bob.command(presence_stats={"channel": "room:a"})
    await bob.subscribe("public:a")

    assert early == DENIED
    assert present == {
        ada.session.client: {"user": "1", "client": ada.session.client, "conn_info": {"name": "Ada"}},
        bob.session.client: {"user": "2", "client": bob.session.client},
    }
    assert stats == {"presence_stats": {"num_clients": 2, "num_users": 2}}
    assert (await bob.command(presence={"channel": "public:a"}))["error"]["code"] == 108
    assert (await bob.command(presence_stats={"channel": "public:a"}))["error"]["code"] == 108


async def test_join_and_leave_are_pushed(runtime: Runtime) -> None:
    """A leave on purpose at once, a cut not yet."""
    ada, bob = await user(runtime, "1"), await user(runtime, "2")
    await ada.subscribe("room:a")
    await ada.until(1)
    await bob.subscribe("room:a")
    await ada.until(2)
    await bob.command(unsubscribe={"channel": "room:a"})
    await ada.until(3)
    await bob.subscribe("room:a")
    await ada.until(4)
    bob.session.connection_lost()
    await asyncio.sleep(0.05)
    who = [
        next((kind, push[kind]["info"]["user"]) for kind in ("join", "leave") if kind in push) for push in ada.pushes
    ]

    assert who == [("join", "1"), ("join", "2"), ("leave", "2"), ("join", "2")]
