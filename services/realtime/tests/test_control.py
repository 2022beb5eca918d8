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
from tandem import Position, Publication, apublish, control, scripts
from tandem.control import Disconnect
from tandem.groups import layer_channel
from tandem.publication import pack_body
from tandem.revocations import Revocation, of_channel, of_login, of_password, of_token, of_user
from tandem.scripts import StreamState
from tandem.shards import shards
from tandem.tickets import acreate_ticket
from tandem.tokens import Verifier, connection_token, secret_keys, subscription_token
from tandem_realtime.control import fits, is_missed

SOON = 8.0
"""What is promised within two seconds, on a machine four times as slow; a hub looks by itself after twenty."""


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


@pytest.mark.parametrize(
    ("stream", "since", "missed"),
    [
        (StreamState(Position("b", 3), None), Position("a", 7), [1, 2, 3]),
        (StreamState(Position("b", 3), None), Position("b", 1), [2, 3]),
        (StreamState(Position("b", 3), Position("a", 2)), Position("a", 1), [2, 3]),
        (StreamState(Position("b", 3), Position("a", 2)), Position("a", 3), [1, 2, 3]),
    ],
)
def test_what_was_missed(stream: StreamState, since: Position, missed: list[int]) -> None:
    """What the stream has after a position that it continues, else all of it; what comes later is not missed yet."""
    entries = [Publication(control.CHANNEL, b"{}", number, "b") for number in (1, 2, 3, 4)]
    until = Position("b", 3)

    assert [each.offset for each in entries if is_missed(each, stream, since=since, until=until)] == missed


# Acts


def token(user: str, login: str = "", ttl: int = 600, generation: int = 0) -> str:
    return connection_token(TOKEN_KEY, user, session=login, ttl=ttl, generation=generation)


def revoke(subject: str, generation: int = 1) -> None:
    control.revoke([Revocation(subject, generation, 600)])


def urls(pair: Pair) -> tuple[str, str]:
    return f"{pair.here.ws_url}/ws/", f"{pair.there.ws_url}/ws/"


async def refused_token(wire: Wire, text: str) -> tuple[int, str]:
    await wire.socket.send(json.dumps({"id": 1, "connect": {"token": text}}))
    return await wire.closed()


async def push(wire: Wire) -> dict[str, Any]:
    """Return the next push that is about a channel."""
    while "message" in (told := dict(await asyncio.wait_for(wire.pushes.get(), SOON))):
        pass
    return told


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


async def test_ended_login_cannot_come_back_with_its_token(pair: Pair) -> None:
    """Its connections end and its tokens are worthless; another login of the user stays."""
    here, there = urls(pair)
    async with (
        open_wire(here, token=token("l", "login-1")) as one,
        open_wire(there, token=token("l", "login-2")) as two,
    ):
        revoke(of_login("login-1"))
        end = await one.closed()
        answer = await two.command(unsubscribe={"channel": "public:x"})
    async with open_socket(there) as again:
        refused = await refused_token(again, token("l", "login-1"))

    assert (end, refused) == ((3500, "invalid token"), (3500, "invalid token"))
    assert "unsubscribe" in answer


async def test_a_generation_decides_and_not_a_clock(pair: Pair) -> None:
    """Tokens made before are refused, those made after in the same second are good; repeats change nothing."""
    here, there = urls(pair)
    async with open_wire(here, token=token("g1")) as old:
        revoke(of_user("g1"), 1)
        end = await old.closed()
        async with open_wire(here, token=token("g1", generation=1)) as new, open_socket(there) as again:
            revoke(of_user("g1"), 1)
            revoke(of_user("g1"), 0)
            refused = await refused_token(again, token("g1"))
            answer = await new.command(refresh={"token": token("g1", generation=1)})

    assert (end, refused) == ((3500, "invalid token"), (3500, "invalid token"))
    assert "refresh" in answer


async def test_changed_password_sends_for_another_token(pair: Pair) -> None:
    """3005 and 109: who is still logged in comes back by himself; a client that has the new token already stays."""
    here, there = urls(pair)
    async with open_wire(here, token=token("pw")) as old, open_wire(there, token=token("pw")) as renewed:
        started = time.monotonic()
        revoke(of_password("pw"), 1)
        await renewed.command(refresh={"token": token("pw", generation=1)})
        end = await old.closed()
        took = time.monotonic() - started
        answer = await renewed.command(unsubscribe={"channel": "public:x"})
    async with open_socket(there) as again:
        error = await again.command(connect={"token": token("pw")})

    assert end == (3005, "connection expired")
    assert took < SOON
    assert "unsubscribe" in answer
    assert error["error"]["code"] == 109


async def test_revoked_channel_ends_alone(pair: Pair) -> None:
    """Its subscription, and the tokens for it that were made before; a new one is good, and the connection stays."""
    here, _ = urls(pair)

    def admission(generation: int) -> str:
        return subscription_token(TOKEN_KEY, "ch", "secret:ch", generation=generation)

    async with open_wire(here, token=token("ch")) as wire, open_wire(here, token=token("other")) as other:
        await wire.subscribe("secret:ch", token=admission(0))
        await other.subscribe("secret:ch", token=subscription_token(TOKEN_KEY, "other", "secret:ch"))
        revoke(of_channel("secret:ch", "ch"), 1)
        told = await push(wire)
        refused = await wire.command(subscribe={"channel": "secret:ch", "token": admission(0)})
        await wire.subscribe("secret:ch", token=admission(1))
        revoke(of_channel("secret:ch", "ch"), 1)
        await apublish("secret:ch", 1)
        heard = [(await push(each))["pub"]["data"] for each in (wire, other)]

    assert told == {"channel": "secret:ch", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
    assert refused["error"]["code"] == 109
    assert heard == [1, 1]


async def test_one_token_ends_alone(pair: Pair) -> None:
    """Another of the same user and login stays."""
    here, there = urls(pair)
    lost, kept = token("tk", "login-tk"), token("tk", "login-tk")
    claims = Verifier(secret_keys([TOKEN_KEY])).connection(lost)
    async with open_wire(here, token=lost) as one, open_wire(there, token=kept) as two:
        revoke(of_token(claims.jti, "tk"))
        end = await one.closed()
        answer = await two.command(unsubscribe={"channel": "public:x"})
    async with open_socket(there) as again:
        refused = await refused_token(again, lost)

    assert (end, refused) == ((3500, "invalid token"), (3500, "invalid token"))
    assert "unsubscribe" in answer


async def test_process_that_starts_later_knows_what_was_revoked(pair: Pair) -> None:
    """It reads the state, however long ago the log forgot it, in as many pages as it takes."""
    control.revoke([Revocation(of_login(f"early-{number}"), 1, 600 + number % 7) for number in range(2500)])
    shards().commands(0, [("DEL", scripts.stream_key(control.CHANNEL))])
    with pair.another() as late:
        await asyncio.to_thread(wait_until, late.is_ready, what="readiness")
        ends = []
        for number in (0, 999, 1000, 1001, 2499):
            async with open_socket(f"{late.ws_url}/ws/") as wire:
                ends.append(await refused_token(wire, token("l", f"early-{number}")))

    assert ends == [(3500, "invalid token")] * 5


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


async def test_message_that_was_lost_is_read_though_others_follow(pair: Pair) -> None:
    """Between a loss and its repair other control may arrive; it must not stand for what was lost."""
    async with Cable(pair.redis.port) as cable:
        cut_off = pair.another(f"redis://127.0.0.1:{cable.port}/0")
        await asyncio.to_thread(cut_off.start)
        try:
            url = f"{cut_off.ws_url}/ws/"
            async with open_wire(url, token=token("m1")) as one, open_wire(url, token=token("m2", "login-m2")) as two:
                cable.cut()
                await control.adisconnect(user="m1", code=4000, reason="missed")
                revoke(of_login("login-m2"))
                await control.adisconnect(user="somebody else")
                cable.mend()
                mended = time.monotonic()
                await control.adisconnect(user="somebody else")
                ends = [await one.closed(), await two.closed()]
                took = time.monotonic() - mended
        finally:
            await asyncio.to_thread(cut_off.stop)

    assert ends == [(4000, "missed"), (3500, "invalid token")]
    assert took < SOON


async def test_message_that_vanished_is_read_soon(pair: Pair) -> None:
    """Nothing tells of it: no gap, no reconnect. The position does."""
    here, there = urls(pair)
    message = control.control_call(control.Disconnect(user="v", code=4000, reason="vanished"))
    nowhere = message._replace(args=(message.args[0], "nowhere", *message.args[2:]))
    async with open_wire(here, token=token("v")) as one, open_wire(there, token=token("v")) as two:
        started = time.monotonic()
        shards().run(control.CHANNEL, nowhere)
        ends = [await one.closed(), await two.closed()]
        took = time.monotonic() - started

    assert ends == [(4000, "vanished")] * 2
    assert took < SOON


async def test_new_epoch_is_read_whole(pair: Pair) -> None:
    """Redis lost everything while nobody could hear: what was told since is carried out, and what was revoked."""
    async with Cable(pair.redis.port) as cable:
        cut_off = pair.another(f"redis://127.0.0.1:{cable.port}/0")
        await asyncio.to_thread(cut_off.start)
        try:
            url = f"{cut_off.ws_url}/ws/"
            async with open_wire(url, token=token("e1")) as one, open_wire(url, token=token("e2", "login-e2")) as two:
                cable.cut()
                await control.adisconnect(user="somebody else")
                shards().commands(0, [("DEL", scripts.meta_key(control.CHANNEL), scripts.stream_key(control.CHANNEL))])
                control.revoke([Revocation(of_login("login-e2"), 1, 600)])
                shards().commands(0, [("DEL", scripts.stream_key(control.CHANNEL))])
                await control.adisconnect(user="e1", code=4000, reason="missed")
                cable.mend()
                ends = [await one.closed(), await two.closed()]
        finally:
            await asyncio.to_thread(cut_off.stop)

    assert ends == [(4000, "missed"), (3500, "invalid token")]
