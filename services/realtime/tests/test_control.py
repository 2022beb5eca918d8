"""What the api tells every process about open connections: the matching pure, the acts over two processes."""

from __future__ import annotations

import itertools
import time
from typing import NamedTuple

import pytest

from rig.pair import Pair, open_stream
from rig.wire import open_socket, open_wire
from tandem import apublish, control, scripts
from tandem.control import Disconnect
from tandem.groups import layer_channel
from tandem.publication import pack_body
from tandem.shards import shards
from tandem.tickets import acreate_ticket
from tandem_realtime.control import fits
from tests.controlled import SOON, push, token, urls


class Connection(NamedTuple):
    """A connection, as far as a message can aim at it."""

    user: str = ""
    client: str = ""
    login: str = ""


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


async def test_disconnected_user_may_come_back(pair: Pair) -> None:
    """`disconnect` closes; whether tokens are good is another question."""
    here, there = urls(pair)
    async with open_wire(here, token=token("back", "login-back")) as one:
        await control.adisconnect(session="login-back", code=3500)
        await one.closed()
    async with open_wire(there, token=token("back", "login-back")) as again:
        assert "unsubscribe" in await again.command(unsubscribe={"channel": "public:x"})


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
    """Anybody can send to a group, and another version of us to the stream; a process must live with that."""
    here, _ = urls(pair)
    store = shards()
    for garbage in (b"", b"\xff", b"\x81\xa2do\xa7explode", b"\x01"):
        store.commands(0, [("PUBLISH", layer_channel(control.GROUP), garbage)])
    for text in (b"7", b"{}", b'{"do":"explode"}', b'{"do":"disconnect","user":7}', b"[" * 3000 + b"]" * 3000):
        body = pack_body(control.CHANNEL, text, tags=b"", info=b"", time=0, request="")
        store.run(control.CHANNEL, scripts.publish_call(control.CHANNEL, control.NAMESPACE, body, once=None))
    async with open_wire(here, token=token("g")) as wire:
        await control.adisconnect(user="g")

        assert (await wire.closed())[0] == 3503
