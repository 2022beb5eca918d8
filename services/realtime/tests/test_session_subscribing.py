"""Subscribe, unsubscribe, sub_refresh: who may hear what, and from which position on."""

from __future__ import annotations

import asyncio

import pytest

from tandem import Position, apublish, tokens
from tandem_realtime.runtime import Runtime
from tests.session_clients import KEY, FakeTransport, user

DENIED = {"error": {"code": 103, "message": "permission denied"}}
BAD = {"error": {"code": 107, "message": "bad request"}}


async def test_subscribe_and_receive(client: FakeTransport) -> None:
    """From the reply on, in order, with offsets and tags."""
    result = await client.subscribe("public:a")
    first = await apublish("public:a", {"n": 1}, tags={"k": "v"})
    await apublish("public:a", [2])
    pushes = await client.until(2)

    assert result == {"recoverable": True, "positioned": True, "epoch": first.epoch}
    assert pushes == [
        {"channel": "public:a", "pub": {"data": {"n": 1}, "offset": 1, "tags": {"k": "v"}}},
        {"channel": "public:a", "pub": {"data": [2], "offset": 2}},
    ]


async def test_channel_without_history_has_no_offsets(client: FakeTransport) -> None:
    """Neither in the reply nor in a push, whatever the client asks for."""
    result = await client.subscribe("live:a", recover=True, epoch="e", offset=7)
    await apublish("live:a", 1)
    pushes = await client.until(1)

    assert result == {"was_recovering": True}
    assert pushes == [{"channel": "live:a", "pub": {"data": 1}}]


async def test_recovery(runtime: Runtime, client: FakeTransport) -> None:
    """What was missed is in the reply; another epoch or a trimmed stream is told, with no publications."""
    for number in range(8):
        epoch = (await apublish("public:a", number)).epoch
    whole = await client.subscribe("public:a", recover=True, epoch=epoch, offset=5)
    other, trimmed = FakeTransport(runtime), FakeTransport(runtime)
    lost = []
    for each, position in ((other, Position("another", 5)), (trimmed, Position(epoch, 1))):
        await each.connect()
        lost.append(await each.subscribe("public:a", recover=True, **position._asdict()))

    assert [publication["offset"] for publication in whole["publications"]] == [6, 7, 8]
    assert (whole["was_recovering"], whole["recovered"], whole["offset"]) == (True, True, 8)
    expected = {"recoverable": True, "positioned": True, "epoch": epoch, "offset": 8, "was_recovering": True}
    assert lost == [expected, expected]


@pytest.mark.parametrize("offset", [-1, -(2**63), 2**53, 2**63, 10**30])
async def test_impossible_offset_is_a_bad_request(client: FakeTransport, offset: int) -> None:
    """And not for Redis to find out."""
    reply = await client.command(subscribe={"channel": "public:a", "recover": True, "epoch": "e", "offset": offset})

    assert reply == BAD
    assert "public:a" not in client.session.subscriptions


async def test_latest_is_in_the_reply(runtime: Runtime, client: FakeTransport) -> None:
    """A new subscriber sees the value that is; who recovers gets what was missed instead."""
    empty = await client.subscribe("latest:empty")
    for number in range(3):
        position = await apublish("latest:a", number)
    latest = await client.subscribe("latest:a")
    back = FakeTransport(runtime)
    await back.connect()
    recovered = await back.subscribe("latest:a", recover=True, epoch=position.epoch, offset=1)

    assert empty == {}
    assert latest == {"publications": [{"data": 2, "offset": 3}]}
    assert [publication["offset"] for publication in recovered["publications"]] == [2, 3]


async def test_twice_is_an_error(client: FakeTransport) -> None:
    """105, also while the first one still waits for Redis."""
    await client.session.receive(
        '{"id":71,"subscribe":{"channel":"public:a"}}\n{"id":72,"subscribe":{"channel":"public:a"}}'
    )
    await client.subscribe("public:b")
    replies = {line["id"]: line for line in client.lines if line.get("id") in (71, 72)}

    assert "subscribe" in replies[71]
    assert replies[72]["error"] == {"code": 105, "message": "already subscribed"}


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        *(("", 107), ("a b", 107), ("é", 107), ("x" * 256, 107), ("nowhere:a", 102), ("a", 102)),
        *(("secret:x", 103), ("members:x", 103), ("named:#42", 103), ("mail:#42", 103)),
    ],
)
async def test_channel_that_is_not_for_everybody(client: FakeTransport, channel: str, code: int) -> None:
    """Malformed 107, undeclared 102, not allowed 103."""
    assert (await client.command(subscribe={"channel": channel}))["error"]["code"] == code


async def test_users_have_their_channels(runtime: Runtime) -> None:
    """Authenticated, named in the channel, or with a token for it."""
    client = await user(runtime)
    for channel in ("members:x", "named:a#41,42"):
        await client.subscribe(channel)
    token = tokens.subscription_token(KEY, "42", "secret:x", ttl=60)
    result = await client.subscribe("secret:x", token=token)

    assert result["expires"] is True
    assert 58 <= result["ttl"] <= 60
    assert await client.command(subscribe={"channel": "named:a#43"}) == DENIED


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (tokens.subscription_token(KEY, "42", "secret:y"), 103),
        (tokens.subscription_token(KEY, "43", "secret:x"), 103),
        (tokens.subscription_token("another-key-0123456789abcdefghijklmnop", "42", "secret:x"), 103),
        (tokens.connection_token(KEY, "42"), 103),
        ("x", 103),
        (tokens.subscription_token(KEY, "42", "secret:x", ttl=-60), 109),
    ],
)
async def test_subscription_token_that_does_not_fit(runtime: Runtime, token: str, code: int) -> None:
    """Of another channel, another user, another key, another kind: 103. Expired: 109."""
    client = await user(runtime)

    assert (await client.command(subscribe={"channel": "secret:x", "token": token}))["error"]["code"] == code


async def test_129th_subscription_is_an_error(client: FakeTransport) -> None:
    """106; after leaving one there is room again."""
    await asyncio.gather(
        *(client.session.receive(f'{{"id":{n},"subscribe":{{"channel":"live:{n}"}}}}') for n in range(1000, 1128))
    )
    refused = await client.command(subscribe={"channel": "live:more"})
    await client.command(unsubscribe={"channel": "live:1000"})

    assert refused == {"error": {"code": 106, "message": "limit exceeded"}}
    assert await client.subscribe("live:more") == {}


async def test_unsubscribe_ends_the_pushes(runtime: Runtime, client: FakeTransport) -> None:
    """Also of a channel that was never subscribed."""
    await client.subscribe("public:a")
    replies = [await client.command(unsubscribe={"channel": channel}) for channel in ("public:a", "public:never", "")]
    await apublish("public:a", 1)
    await asyncio.sleep(0.05)

    assert replies == [{"unsubscribe": {}}] * 3
    assert client.pushes == []
    assert runtime.hub.subscription_count == 0


async def test_unsubscribe_while_redis_is_asked(runtime: Runtime, client: FakeTransport) -> None:
    """The subscription that was taken back never begins."""
    await client.session.receive(
        '{"id":71,"subscribe":{"channel":"public:a"}}\n{"id":72,"unsubscribe":{"channel":"public:a"}}'
    )
    reply = await client.subscribe("public:a")
    await apublish("public:a", 1)
    await client.until(1)

    assert reply["recoverable"] is True
    assert runtime.hub.subscription_count == 1
    assert len(client.pushes) == 1


async def test_client_that_is_gone_leaves_nothing(runtime: Runtime, client: FakeTransport) -> None:
    """Not even what it was about to subscribe to."""
    await client.subscribe("public:a")
    await client.session.receive('{"id":71,"subscribe":{"channel":"public:b"}}')
    client.session.connection_lost()
    await asyncio.sleep(0.1)

    assert runtime.hub.subscription_count == 0
    assert runtime.sessions == {}


async def test_reply_comes_before_the_first_push(runtime: Runtime) -> None:
    """And after it no publication is missing or repeated, however fast they come."""
    client = FakeTransport(runtime)
    await client.connect()
    publishing = asyncio.create_task(_publish_steadily())
    await asyncio.sleep(0.02)
    result = await client.subscribe("public:a")
    await client.until(20)
    publishing.cancel()
    subscribed = next(index for index, line in enumerate(client.lines) if "subscribe" in line)

    assert not any("push" in line for line in client.lines[:subscribed])
    first = result.get("offset", 0) + 1
    assert [push["pub"]["offset"] for push in client.pushes] == list(range(first, first + len(client.pushes)))


async def _publish_steadily() -> None:
    while True:
        await apublish("public:a", 1)


async def test_sub_refresh_moves_the_end(runtime: Runtime) -> None:
    """Its own channel and user only."""
    client = await user(runtime)
    await client.subscribe("secret:x", token=tokens.subscription_token(KEY, "42", "secret:x", ttl=60))
    before = client.session.subscriptions["secret:x"].expires
    longer = tokens.subscription_token(KEY, "42", "secret:x", ttl=600)
    reply = await client.command(sub_refresh={"channel": "secret:x", "token": longer})
    wrong = await client.command(sub_refresh={"channel": "secret:y", "token": longer})
    absent = await client.command(
        sub_refresh={"channel": "secret:z", "token": tokens.subscription_token(KEY, "42", "secret:z")}
    )

    assert 598 <= reply["sub_refresh"]["ttl"] <= 600
    assert client.session.subscriptions["secret:x"].expires > before + 500
    assert (wrong, absent) == (DENIED, DENIED)
