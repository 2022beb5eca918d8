"""Connect and refresh: who a client is, over a real Redis."""

from __future__ import annotations

import dataclasses
import time

import jwt
import pytest

from tandem import __version__, apublish, tokens
from tandem_realtime.hub import membership
from tandem_realtime.runtime import Runtime
from tests.session_clients import KEY, FakeTransport, user

DENIED = {"error": {"code": 103, "message": "permission denied"}}
BAD = {"error": {"code": 107, "message": "bad request"}}


async def test_connect_says_who_and_how(runtime: Runtime) -> None:
    """Without a token: anonymous, for ever."""
    result = await FakeTransport(runtime).connect(name="js")

    assert abs(result.pop("time") - time.time() * 1000) < 5000
    assert len(result.pop("client")) == 36
    assert result == {"version": f"tandem {__version__}", "ping": 25, "pong": True}


async def test_connect_with_a_token_expires_with_it(runtime: Runtime) -> None:
    """The SDK refreshes before `ttl` is over."""
    result = await FakeTransport(runtime).connect(token=tokens.connection_token(KEY, "", ttl=600))

    assert result["expires"] is True
    assert 598 <= result["ttl"] <= 600


async def test_one_too_many_of_a_user_ends_the_oldest(runtime: Runtime) -> None:
    """3504, for good: were it to come back it would end the next one. A refresh makes nobody younger."""
    runtime.options = dataclasses.replace(runtime.options, max_connections_per_user=2)
    token = tokens.connection_token(KEY, "7")
    clients = [FakeTransport(runtime) for _ in range(3)]
    for client in clients[:2]:
        await client.connect(token=token)
    await clients[0].command(refresh={"token": token})
    others = [FakeTransport(runtime) for _ in range(3)]
    for other in others:
        await other.connect()
    await clients[2].connect(token=token)

    assert [client.closed for client in [*clients, *others]] == [(3504, "connection limit"), *[None] * 5]


async def test_connect_twice_is_a_bad_request(client: FakeTransport) -> None:
    """3501."""
    assert await client.command(connect={}) == {"closed": (3501, "bad request")}


@pytest.mark.parametrize("method", ["subscribe", "publish", "ping", "send", "refresh"])
async def test_first_command_is_connect(runtime: Runtime, method: str) -> None:
    """3501, also for what would get no reply."""
    client = FakeTransport(runtime)

    assert await client.command(**{method: {}}) == {"closed": (3501, "bad request")}


async def test_command_without_an_id_is_a_bad_request(client: FakeTransport) -> None:
    """Only `send` has none."""
    await client.session.receive('{"send":{"data":{}}}')
    before = client.closed
    await client.session.receive('{"subscribe":{"channel":"public:a"}}')

    assert (before, client.closed) == (None, (3501, "bad request"))


async def test_expired_token_is_an_error_and_a_forged_one_an_end(runtime: Runtime) -> None:
    """109: fetch a new one. 3500: do not come back."""
    expired, forged = FakeTransport(runtime), FakeTransport(runtime)

    assert await expired.command(connect={"token": tokens.connection_token(KEY, "42", ttl=-60)}) == {
        "error": {"code": 109, "message": "token expired"}
    }
    assert await forged.command(connect={"token": "x"}) == {"closed": (3500, "invalid token")}
    assert (await expired.connect(token=tokens.connection_token(KEY, "42")))["expires"] is True


async def test_token_brings_server_side_subscriptions(runtime: Runtime) -> None:
    """Of the token, and the personal ones; a push never comes before the reply that announces its channel."""
    position = await apublish("secret:x", 1)
    client = FakeTransport(runtime)
    result = await client.connect(
        token=tokens.connection_token(KEY, "42", channels=["secret:x"]),
        subs={"secret:x": {"recover": True, "epoch": position.epoch, "offset": 0}},
    )
    await apublish("mail:#42", 2)
    pushes = await client.until(1)

    assert result["subs"]["secret:x"] == {
        "recoverable": True,
        "positioned": True,
        "epoch": position.epoch,
        "offset": 1,
        "was_recovering": True,
        "recovered": True,
        "publications": [{"data": 1, "offset": 1}],
    }
    assert result["subs"]["mail:#42"]["recoverable"] is True
    assert pushes == [{"channel": "mail:#42", "pub": {"data": 2, "offset": 1}}]


async def test_silent_channels_of_a_token_all_begin(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few channels linger to which nobody ever published, these are held until all of them begin."""
    monkeypatch.setattr(membership, "MAX_SILENT", 0)
    names = [f"secret:{number}" for number in range(5)]
    client = FakeTransport(runtime)
    result = await client.connect(token=tokens.connection_token(KEY, "", channels=names))
    begun = sorted(runtime.hub.channels.keys() & set(names))
    client.session.connection_lost()

    assert sorted(result["subs"]) == begun == names
    assert not runtime.hub.channels.keys() & set(names)


@pytest.mark.parametrize("offset", [-1, 2**53, 2**70])
async def test_impossible_position_of_a_server_side_subscription(runtime: Runtime, offset: int) -> None:
    """107; nothing is left of the attempt, and another may follow: two of the token's, two of the user's own."""
    client, token = FakeTransport(runtime), tokens.connection_token(KEY, "42", channels=["secret:x", "secret:y"])
    refused = await client.command(
        connect={"token": token, "subs": {"secret:y": {"recover": True, "epoch": "e", "offset": offset}}}
    )
    count = runtime.hub.subscription_count
    await client.connect(token=token)

    assert (refused, count, runtime.hub.subscription_count) == (BAD, 0, 4)


async def test_token_with_too_many_channels_is_an_end(runtime: Runtime) -> None:
    """3505."""
    token = tokens.connection_token(KEY, "42", channels=[f"secret:{number}" for number in range(129)])

    assert await FakeTransport(runtime).command(connect={"token": token}) == {"closed": (3505, "channel limit")}


async def test_user_whose_id_fits_no_channel_connects(runtime: Runtime) -> None:
    """Without a personal channel."""
    assert "subs" not in await FakeTransport(runtime).connect(token=tokens.connection_token(KEY, "José Ñ"))


async def test_refresh_moves_the_end(runtime: Runtime) -> None:
    """For the same user only; an expired token cuts the client off, which fetches another and comes back."""
    client = await user(runtime, ttl=60)
    before = client.session.expires
    reply = await client.command(refresh={"token": tokens.connection_token(KEY, "42", ttl=600, session="new")})
    expired = await client.command(refresh={"token": tokens.connection_token(KEY, "42", ttl=-60)})

    assert reply["refresh"]["expires"] is True
    assert 598 <= reply["refresh"]["ttl"] <= 600
    assert client.session.expires > before + 500
    assert client.session.login == "new"
    assert expired == {"closed": (3005, "connection expired")}


async def test_token_that_is_not_valid_yet_is_told_as_an_expired_one(runtime: Runtime) -> None:
    """109: the clock that made it is ahead, and the client asks for another."""
    token = jwt.encode({"sub": "42", "nbf": time.time() + 300}, KEY, "HS256")

    assert (await FakeTransport(runtime).command(connect={"token": token}))["error"]["code"] == 109


async def test_subscriptions_of_the_token_have_data_and_members(runtime: Runtime) -> None:
    """What the token gives with a channel is in the reply, and the client hears who comes, itself first."""
    claims = {"sub": "42", "subs": {"room:a": {"data": {"title": "A"}, "info": {"seat": 1}}, "secret:b": {}}}
    client = FakeTransport(runtime)
    reply = await client.connect(token=jwt.encode(claims, KEY, "HS256"))
    own = (await client.until(1))[0]
    other = await user(runtime, "43")
    await other.subscribe("room:a")
    await other.command(unsubscribe={"channel": "room:a"})
    heard = await client.until(3)
    client.session.connection_lost()
    back = FakeTransport(runtime)
    await back.connect(token=jwt.encode(claims, KEY, "HS256"))
    again = (await back.until(1))[0]

    assert reply["subs"]["room:a"] == {"data": {"title": "A"}}
    assert "data" not in reply["subs"]["secret:b"]
    assert own["join"]["info"] == {"user": "42", "client": client.session.client, "chan_info": {"seat": 1}}
    assert again["join"]["info"]["client"] == back.session.client  # though to the others it was never away
    assert [(next(iter(push.keys() - {"channel"})), push["channel"]) for push in heard] == [
        ("join", "room:a"),
        ("join", "room:a"),
        ("leave", "room:a"),
    ]


@pytest.mark.parametrize(
    "token", ["", "x", tokens.connection_token(KEY, "43"), tokens.subscription_token(KEY, "42", "a")]
)
async def test_refresh_with_a_token_that_is_not_theirs_is_an_end(runtime: Runtime, token: str) -> None:
    """3500."""
    client = await user(runtime)

    assert await client.command(refresh={"token": token}) == {"closed": (3500, "invalid token")}
