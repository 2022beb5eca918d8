"""What the api tells every process about open connections: the matching pure, the acts over two processes."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Any, NamedTuple

import pytest

from rig.cable import Cable
from rig.pair import TOKEN_KEY, Pair, open_stream
from rig.servers import wait_until
from rig.wire import Wire, open_socket, open_wire
from tandem import apublish, control
from tandem.control import Disconnect, Unsubscribe
from tandem.shards import shards
from tandem.tickets import acreate_ticket
from tandem.tokens import connection_token
from tandem_realtime.control import Revocations, fits, revoked_login

SOON = 2.0


class Connection(NamedTuple):
    """A connection, as far as a message can aim at it."""

    user: str = ""
    client: str = ""
    login: str = ""


# Decisions


def test_fits_all_that_is_named() -> None:
    """A message is for the connections that fit every criterion, and nobody else's."""
    values = ("", "a", "b")
    for named in itertools.product(values, repeat=3):
        for actual in itertools.product(values, repeat=3):
            message = Disconnect(user=named[0], client=named[1], session=named[2])
            expected = any(named) and all(n in ("", a) for n, a in zip(named, actual, strict=True))

            assert fits(message, Connection(*actual)) is expected, (named, actual)


def test_message_without_a_name_is_for_nobody() -> None:
    """An empty message must not end every anonymous connection."""
    assert not fits(Disconnect(), Connection())


@pytest.mark.parametrize(
    ("message", "login"),
    [
        (Disconnect(session="s", code=3500), "s"),
        (Disconnect(session="s", user="42", code=3503), "s"),
        (Disconnect(session="s", code=3001), ""),
        (Disconnect(session="s", code=4500), ""),
        (Disconnect(session="s", code=3500, client="c"), ""),
        (Disconnect(session="s", code=3500, whitelist=["c"]), ""),
        (Disconnect(user="42", code=3500), ""),
        (Unsubscribe(session="s", channel="public:x"), ""),
    ],
)
def test_which_logins_end(message: control.Message, login: str) -> None:
    """Only a whole login that is ended for good takes its tokens with it."""
    assert revoked_login(message) == login


def test_revocations_are_forgotten_in_time() -> None:
    """They last as long as a token could."""
    revocations = Revocations(100)
    revocations.add("old", 0)
    revocations.add("new", 60)

    assert [revocations.has(login, 99) for login in ("old", "new", "other")] == [True, True, False]
    assert [revocations.has(login, 101) for login in ("old", "new")] == [False, True]


def test_what_cannot_be_sent_is_refused_at_once() -> None:
    """Nobody named, a code that no close frame can carry, an unknown namespace."""
    with pytest.raises(ValueError, match="name a user"):
        control.disconnect()
    with pytest.raises(ValueError, match="3000 to 4999, not 1000"):
        control.disconnect(user="42", code=1000)
    with pytest.raises(ValueError, match="at most 123 bytes"):
        control.disconnect(user="42", reason="é" * 62)
    with pytest.raises(LookupError):
        control.unsubscribe("nowhere:x", user="42")


# Acts


def token(user: str, login: str = "", ttl: int = 600) -> str:
    return connection_token(TOKEN_KEY, user, session=login, ttl=ttl)


def urls(pair: Pair) -> tuple[str, str]:
    return f"{pair.here.ws_url}/ws/", f"{pair.there.ws_url}/ws/"


async def refused_token(wire: Wire, text: str) -> tuple[int, str]:
    await wire.socket.send(json.dumps({"id": 1, "connect": {"token": text}}))
    return await wire.closed()


async def push(wire: Wire) -> dict[str, Any]:
    return dict(await asyncio.wait_for(wire.pushes.get(), SOON))


async def test_disconnects_a_user_everywhere(pair: Pair) -> None:
    """Every connection of the user on every process, and no other."""
    here, there = urls(pair)
    async with open_wire(here, token=token("d1")) as one, open_wire(there, token=token("d1")) as two:
        async with open_wire(there, token=token("d2")) as other:
            started = time.monotonic()
            await control.adisconnect(user="d1")
            ends = [await one.closed(), await two.closed()]
            took = time.monotonic() - started
            answer = await other.command(unsubscribe={"channel": "public:x"})

    assert ends == [(3503, "force disconnect")] * 2
    assert took < SOON
    assert "unsubscribe" in answer


async def test_ended_login_cannot_come_back_with_its_token(pair: Pair) -> None:
    """Logging out ends the login's connections and makes its tokens worthless; another login of the user stays."""
    here, there = urls(pair)
    async with (
        open_wire(here, token=token("l", "login-1")) as one,
        open_wire(there, token=token("l", "login-2")) as two,
    ):
        await control.adisconnect(session="login-1", code=3500, reason="invalid token")
        end = await one.closed()
        answer = await two.command(unsubscribe={"channel": "public:x"})
    async with open_socket(there) as again:
        refused = await refused_token(again, token("l", "login-1"))

    assert (end, refused) == ((3500, "invalid token"), (3500, "invalid token"))
    assert "unsubscribe" in answer


async def test_process_that_starts_later_knows_ended_logins(pair: Pair) -> None:
    """The log tells a new process which tokens are worthless."""
    await control.adisconnect(session="login-early", code=3500)
    with pair.another() as late:
        await asyncio.to_thread(wait_until, late.is_ready, what="readiness")
        async with open_socket(f"{late.ws_url}/ws/") as wire:
            refused = await refused_token(wire, token("l", "login-early"))

    assert refused == (3500, "invalid token")


async def test_whitelist_and_client(pair: Pair) -> None:
    """One device may stay when the user ends all others; one client may be ended alone."""
    here, there = urls(pair)
    async with open_socket(here) as stays, open_socket(there) as goes, open_socket(there) as alone:
        clients = [
            (await wire.command(connect={"token": token("w")}))["connect"]["client"] for wire in (stays, goes, alone)
        ]
        await control.adisconnect(client=clients[2], code=4000, reason="you")
        ended = await alone.closed()
        await control.adisconnect(user="w", whitelist=[clients[0]])
        await goes.closed()
        answer = await stays.command(unsubscribe={"channel": "public:x"})

    assert ended == (4000, "you")
    assert "unsubscribe" in answer


async def test_unsubscribes(pair: Pair) -> None:
    """The subscriber is told, and hears no more of that channel."""
    _, there = urls(pair)
    async with open_wire(there, token=token("u")) as wire:
        await wire.subscribe("public:u1")
        await wire.subscribe("public:u2")
        await control.aunsubscribe("public:u1", user="u")
        told = await push(wire)
        await apublish("public:u1", 1)
        at = await apublish("public:u2", 2)
        heard = await push(wire)

    assert told == {"channel": "public:u1", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
    assert heard == {"channel": "public:u2", "pub": {"data": 2, "offset": at.offset}}


async def test_subscribes_from_a_position(pair: Pair) -> None:
    """The client is given a channel that it may not even ask for, with what it missed, and hears it from then on."""
    _, there = urls(pair)
    at = await apublish("secret:s", 1)
    await apublish("secret:s", 2)
    async with open_wire(there, token=token("s")) as wire:
        await control.asubscribe("secret:s", user="s", since=at, data={"hello": "you"})
        told, missed = await push(wire), await push(wire)
        await apublish("secret:s", 3)
        live = await push(wire)
        await control.asubscribe("secret:s", user="s")
        await apublish("secret:s", 4)
        after = await push(wire)

    subscribe = {"recoverable": True, "positioned": True, "epoch": at.epoch, "offset": at.offset + 1}
    assert told == {"channel": "secret:s", "subscribe": {**subscribe, "data": {"hello": "you"}}}
    assert [message["pub"]["data"] for message in (missed, live, after)] == [2, 3, 4]


async def test_refresh_moves_the_end(pair: Pair) -> None:
    """A connection can be let run out, now or at a time, or for ever, and is told when."""
    here, _ = urls(pair)
    async with open_wire(here, token=token("r3")) as wire:
        await control.arefresh(user="r3", expire_at=int(time.time()) + 300)
        soon = await push(wire)
        await control.arefresh(user="r3")
        never = await push(wire)
    async with open_wire(here, token=token("r", ttl=600)) as wire, open_wire(here, token=token("r2")) as overdue:
        await control.arefresh(user="r", expired=True)
        end = await wire.closed()
        await control.arefresh(user="r2", expire_at=int(time.time()) - 60)
        late = await overdue.closed()

    assert soon["refresh"]["expires"] is True
    assert 298 <= soon["refresh"]["ttl"] <= 300
    assert never == {"refresh": {}}
    assert end == (3005, "connection expired")
    assert late == (3005, "connection expired")


async def test_one_way_connection_is_ended_with_its_channel(pair: Pair) -> None:
    """A page without an SDK cannot be told about one channel."""
    ticket = await acreate_ticket("ow")
    async with open_stream("GET", f"{pair.there.url}/ws/sse/?channel=members:ow&ticket={ticket}") as lines:
        await lines.event()
        await control.aunsubscribe("members:ow", user="ow")
        event = await lines.event()
        await lines.end()

    assert event["data"] == {"code": 3503, "reason": "force disconnect"}


async def test_what_nobody_understands_is_ignored(pair: Pair) -> None:
    """Anybody can send to a group; a process must live with that."""
    here, _ = urls(pair)
    store = shards()
    for garbage in (b"", b"\xff", b"\x81\xa2do\xa7explode", b"\x81\xa2do\xaadisconnect", b"\x01"):
        store.commands(0, [("PUBLISH", "asgi__group__tandem.control", garbage)])
    async with open_wire(here, token=token("g")) as wire:
        await control.adisconnect(user="g")

        assert (await wire.closed())[0] == 3503


async def test_message_sent_while_the_layer_was_down_is_carried_out(pair: Pair) -> None:
    """A process that cannot hear catches up when it can, and does nothing twice."""
    async with Cable(pair.redis.port) as cable:
        cut_off = pair.another(f"redis://127.0.0.1:{cable.port}/0")
        await asyncio.to_thread(cut_off.start)
        try:
            url = f"{cut_off.ws_url}/ws/"
            async with open_wire(url, token=token("c")) as wire:
                await wire.subscribe("public:c")
                cable.cut()
                await control.aunsubscribe("public:c", user="c")
                await control.adisconnect(user="c", code=4000, reason="missed")
                cable.mend()
                told, end = await push(wire), await wire.closed()
        finally:
            await asyncio.to_thread(cut_off.stop)

    assert told == {"channel": "public:c", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
    assert end == (4000, "missed")
