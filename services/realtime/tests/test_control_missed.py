"""Control that was lost on its way is read from its stream, and carried out once."""

from __future__ import annotations

import asyncio
import time

import pytest

from rig.cable import Cable
from rig.pair import Pair
from rig.wire import open_wire
from tandem import Position, Publication, control, scripts
from tandem.revocations import Revocation, of_login
from tandem.scripts import StreamState
from tandem.shards import shards
from tandem_realtime.control import is_missed
from tests.controlled import SOON, push, revoke, token, urls


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
