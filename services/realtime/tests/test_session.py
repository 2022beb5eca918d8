"""What holds for every command, and what happens as time passes."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

import pytest

from rig.servers import free_port
from tandem import tokens
from tandem_realtime.hub import membership
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.commands import METHODS
from tandem_realtime.runtime import Runtime
from tandem_realtime.session import session as session_module
from tandem_realtime.session.expiry import GRACE_SECONDS
from tests.session_clients import KEY, FakeTransport, running, user

DENIED = {"error": {"code": 103, "message": "permission denied"}}
BAD = {"error": {"code": 107, "message": "bad request"}}


async def test_rpc_ping_and_unknown_methods(client: FakeTransport) -> None:
    """No method is registered: 104."""
    assert await client.command(rpc={"method": "x"}) == {"error": {"code": 104, "message": "method not found"}}
    assert await client.command(ping={}) == {"ping": {}}
    assert await client.command(dance={}) == {"closed": (3501, "bad request")}


async def test_many_commands_in_one_frame(runtime: Runtime) -> None:
    """Answered in the order of their arrival, as far as they need not wait."""
    client = FakeTransport(runtime)
    await client.session.receive('{"id":1,"connect":{}}\n{"id":2,"ping":{}}\n{"id":3,"rpc":{}}\n{}\n{"id":4,"ping":{}}')

    assert [line["id"] for line in client.lines] == [1, 2, 3, 4]


@pytest.mark.parametrize("frame", ['{"id":1,"ping":{}}', "{}"], ids=["commands", "pongs"])
async def test_too_many_commands_are_an_end(client: FakeTransport, frame: str) -> None:
    """3013, also for a flood of pongs: far over the rate."""
    await client.session.receive("\n".join([frame] * 4000))

    assert client.closed == (3013, "too many requests")


async def test_commands_over_the_rate_are_refused_for_now(client: FakeTransport) -> None:
    """111, temporary, for what is too much; the client stays, and what gives something back is carried out."""
    runtime = client.session.runtime
    runtime.options = replace(runtime.options, commands_per_second=0.001)  # so that none is allowed meanwhile
    await client.session.receive("\n".join(f'{{"id":{number},"ping":{{}}}}' for number in range(2, 400)))
    await client.session.receive(
        '{"id":400,"unsubscribe":{"channel":"public:a"}}\n{"id":401,"subscribe":{"channel":"a"}}'
    )
    answers = client.lines[1:]

    assert client.closed is None
    assert [line["id"] for line in answers] == list(range(2, 402))
    assert [line.get("error") for line in answers[:255]] == [None] * 255
    assert answers[255]["error"] == {"code": 111, "message": "too many requests", "temporary": True}
    assert "unsubscribe" in answers[-2]
    assert answers[-1]["error"]["code"] == 111


async def test_bug_is_an_internal_error(
    client: FakeTransport, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """100, temporary, logged with its traceback; the client hears nothing of what it was."""
    monkeypatch.setitem(session_module.HANDLERS, "ping", lambda session, command: 1 / 0)

    assert await client.command(ping={}) == {
        "error": {"code": 100, "message": "internal server error", "temporary": True}
    }
    assert [record.exc_info is not None for record in caplog.records if record.message == "session.failed"] == [True]


async def test_redis_away_is_a_temporary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """100; the connection stays."""
    monkeypatch.setattr(membership, "JOIN_TRIES", 1)
    async with running(f"redis://127.0.0.1:{free_port()}/0") as runtime:
        client = FakeTransport(runtime)
        await client.connect()
        reply = await client.command(subscribe={"channel": "public:a"})

        assert reply["error"] == {"code": 100, "message": "internal server error", "temporary": True}
        assert client.closed is None
        assert client.session.subscriptions == {}


async def test_no_connect_is_stale(runtime: Runtime) -> None:
    """3502."""
    client = FakeTransport(runtime)
    client.session.tick(time.monotonic() + 10)

    assert client.closed == (3502, "stale")


async def test_ping_and_no_pong(runtime: Runtime, client: FakeTransport) -> None:
    """A ping every 25 s; 3012 when 8 s have passed without an answer, and not before."""
    begin = time.monotonic()
    assert client.session.tick(begin + 24) > begin + 24
    quiet = list(client.lines)
    due = client.session.tick(begin + 26)
    asked = client.lines[-1]
    early = client.session.tick(begin + 30)
    still_open = client.closed
    client.session.tick(begin + 34)

    assert {} not in quiet
    assert (asked, still_open) == ({}, None)
    assert abs(due - begin - 34) < 0.1
    assert due == early
    assert client.closed == (3012, "no pong")


async def test_pong_keeps_the_connection(client: FakeTransport) -> None:
    """And the next ping comes in its time."""
    begin = time.monotonic()
    client.session.tick(begin + 26)
    await client.session.receive("{}")
    due = client.session.tick(begin + 34)
    client.session.tick(begin + 51.1)

    assert client.closed is None
    assert abs(due - begin - 51) < 0.1
    assert client.lines.count({}) == 2


async def test_time_in_which_a_client_was_not_read_is_not_its_own(client: FakeTransport) -> None:
    """Its pong may have come meanwhile: it has its 8 s from when it is read again."""
    begin = time.monotonic()
    client.session.tick(begin + 26)
    client.read_again_at = begin + 33
    due = client.session.tick(begin + 34.1)
    still_open = client.closed
    client.session.tick(begin + 41.1)

    assert still_open is None
    assert abs(due - begin - 41) < 0.1
    assert client.closed == (3012, "no pong")


async def test_frame_that_comes_while_another_is_worked_off_is_next(client: FakeTransport) -> None:
    """A frame of many commands gives way to other clients, not to the same client's next frame."""
    commands = [json.dumps({"id": 100 + number, "ping": {}}) for number in range(40)]
    await asyncio.gather(
        client.session.receive("\n".join(commands)), client.session.receive(json.dumps({"id": 200, "ping": {}}))
    )

    assert [line["id"] for line in client.lines if "ping" in line] == [*range(100, 140), 200]


async def test_end_of_a_subscription_is_no_missing_pong(runtime: Runtime) -> None:
    """A timer that is due for something else while a pong is on its way ends nobody."""
    client = await user(runtime)
    await client.subscribe("secret:x", token=tokens.subscription_token(KEY, "42", "secret:x", ttl=18))
    begin = time.monotonic()
    client.session.tick(begin + 26)
    client.session.tick(begin + 18 + GRACE_SECONDS + 1.5)

    assert client.closed is None
    assert client.pushes == [{"channel": "secret:x", "unsubscribe": {"code": 2501, "reason": "subscription expired"}}]


async def test_expired_connection_ends_after_a_grace(runtime: Runtime) -> None:
    """3005."""
    client = await user(runtime, ttl=5)
    client.session.tick(time.monotonic() + 5 + GRACE_SECONDS - 2)
    early = client.closed
    client.session.tick(time.monotonic() + 5 + GRACE_SECONDS + 1)

    assert (early, client.closed) == (None, (3005, "connection expired"))


async def test_lost_state_is_told_by_kind_of_subscription(runtime: Runtime) -> None:
    """2500 for one channel where the client can subscribe again; 3010 where it cannot."""
    client, server_side = await user(runtime), await user(runtime, channels=["secret:x"])
    plain = FakeTransport(runtime, is_plain=True)
    await client.subscribe("public:a")
    client.session.state_lost(client.session.subscriptions["public:a"])
    server_side.session.state_lost(server_side.session.subscriptions["secret:x"])
    plain.session.state_lost(client.session.subscriptions["mail:#42"])

    assert client.pushes == [{"channel": "public:a", "unsubscribe": {"code": 2500, "reason": "insufficient state"}}]
    assert "public:a" not in client.session.subscriptions
    assert server_side.closed == plain.closed == (3010, "insufficient state")


def test_codes_say_whether_to_come_back() -> None:
    """Each code has the reason that the protocol gives it."""
    numbers = [each for each in vars(codes).values() if isinstance(each, codes.Disconnect)]

    assert len({each.code for each in numbers}) == len(numbers)
    assert all(3000 <= each.code < 4000 for each in numbers)


def test_every_command_has_its_handler() -> None:
    """What a message wants is no reply; the protocol names all the others."""
    assert {*session_module.HANDLERS, "send"} == set(METHODS)
