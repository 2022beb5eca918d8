"""Pods of 0.1 beside those of this release, while one takes the other's place: both hear who is disconnected."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from rig.overrides import override_tandem
from rig.pair import TOKEN_KEY, Pair
from rig.wire import open_socket, open_wire
from tandem import control, last_release, scripts
from tandem.groups import layer_channel, shard_for_group
from tandem.revocations import Revocation, of_channel, of_login, of_password, of_token, of_user
from tandem.scripts import Call
from tandem.shards import shards
from tandem.tokens import connection_token


def token(user: str, login: str = "") -> str:
    return connection_token(TOKEN_KEY, user, session=login, ttl=600)


def say_as_before(**message: Any) -> None:
    """Say what an api of 0.1 says, with every field that it has."""
    whom = {"type": "control", "user": "", "client": "", "session": ""}
    body = msgspec.msgpack.encode({**whom, **message})
    key, args = last_release.LOG_KEY, (layer_channel(last_release.GROUP), body, 10_000, 900)
    store = shards()
    call = Call(next(each for each in scripts.ALL if each.name == "control_of_0_1"), (key,), args)
    store.run_on(shard_for_group(last_release.GROUP, store.count), call)


def kept() -> list[dict[str, Any]]:
    """Return what is in the log that pods of 0.1 read."""
    [entries] = shards().commands(0, [["XRANGE", last_release.LOG_KEY, "-", "+"]])
    return [msgspec.msgpack.decode(fields[1]) for _, fields in entries]


async def test_what_an_api_of_0_1_says_is_carried_out(pair: Pair) -> None:
    """By both processes; a login that it ended stays ended."""
    here, there = (f"{each.ws_url}/ws/" for each in (pair.here, pair.there))
    async with open_wire(here, token=token("old1")) as one, open_wire(there, token=token("old1")) as two:
        say_as_before(do="disconnect", user="old1", code=3503, reason="force disconnect", whitelist=[])

        assert [(await each.closed())[0] for each in (one, two)] == [3503, 3503]

    async with open_wire(here, token=token("old2", "login-before")) as wire:
        say_as_before(do="disconnect", session="login-before", code=3500, reason="out", whitelist=[])

        assert (await wire.closed())[0] == 3500
    async with open_socket(there) as again:
        await again.socket.send(json.dumps({"id": 1, "connect": {"token": token("old2", "login-before")}}))

        assert (await again.closed())[0] == 3500


async def test_nothing_is_carried_out_twice(pair: Pair) -> None:
    """What this release says both ways is heard one way: who was sent away and came back stays."""
    url = f"{pair.here.ws_url}/ws/"
    async with open_wire(url, token=token("new1")) as wire:
        await asyncio.to_thread(control.disconnect, user="new1", code=3000)
        await wire.closed()
    async with open_wire(url, token=token("new1")) as wire, open_wire(url, token=token("new2")) as after:
        [said] = [each for each in kept() if each.get("user") == "new1"]
        say_as_before(**said)
        say_as_before(do="disconnect", user="new2", code=3503, reason="force disconnect", whitelist=[])
        await after.closed()  # so the first was heard

        assert (await wire.command(ping={})) is not None


@pytest.mark.usefixtures("pair")
def test_what_pods_of_0_1_hear() -> None:
    """Each message of theirs is one of their kinds, with what their decoder must find in it."""
    control.unsubscribe("public:before", user="b1")
    subjects = [
        of_user("b2 of two words"),
        of_password("b3 of two words"),
        of_login("b4"),
        of_token("jti", "b5 of two words"),
        of_channel("public:x", "b6 of two words"),
    ]
    control.revoke([Revocation(subject, 1, 600) for subject in subjects])

    heard = [{key: value for key, value in each.items() if key not in ("type", "by", "reason")} for each in kept()[-6:]]
    assert heard == [
        {"do": "unsubscribe", "user": "b1", "channel": "public:before"},
        {"do": "disconnect", "user": "b2 of two words", "code": 3500},
        {"do": "disconnect", "user": "b3 of two words", "code": 3005},
        {"do": "disconnect", "session": "b4", "code": 3500},
        {"do": "disconnect", "user": "b5 of two words", "code": 3005},
        {"do": "unsubscribe", "user": "b6 of two words", "channel": "public:x"},
    ]


@pytest.mark.parametrize("urls", [["redis://r/1"], ["redis+cluster://r"], ["memory://"]], ids=str)
def test_where_no_pod_of_0_1_can_be_nothing_is_said(urls: list[str]) -> None:
    """It knew one arrangement of Redis: without a prefix, at number 0, not a cluster."""
    with override_tandem(redis_urls=urls):
        assert last_release.calls_for(control.Disconnect(user="x")) == []
