"""Positions as the SDKs give them, and commands that ask for what is not served: answered, or refused by name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tandem import apublish, streams, tokens
from tandem_realtime.runtime import Runtime
from tests.session_clients import KEY, FakeTransport, running, user

UNRECOVERABLE = {"error": {"code": 112, "message": "unrecoverable position"}}


async def test_position_without_an_epoch_is_one_of_any(runtime: Runtime, client: FakeTransport) -> None:
    """From memory and from the stream alike; it must still be within the stream."""
    for number in range(5):
        await apublish("public:a", number)
    cold = await client.subscribe("public:a", recover=True, offset=3)
    warm, ahead = FakeTransport(runtime), FakeTransport(runtime)
    await warm.connect()
    await ahead.connect()
    again = await warm.subscribe("public:a", recover=True, offset=4)
    beyond = await ahead.subscribe("public:a", recover=True, offset=9)

    assert [each["data"] for each in cold["publications"]] == [3, 4]
    assert [each["data"] for each in again["publications"]] == [4]
    assert (cold["recovered"], again["recovered"], beyond.get("recovered")) == (True, True, None)


async def test_recovery_of_an_empty_channel_is_answered(client: FakeTransport) -> None:
    """Nothing was missed where nothing was said."""
    result = await client.subscribe("public:empty", recover=True)

    assert (result["was_recovering"], result["recovered"], result.get("offset")) == (True, True, None)


async def test_getstate_is_told_that_its_position_is_lost(runtime: Runtime, client: FakeTransport) -> None:
    """112 with the flag, and no subscription; without it a subscription that has not recovered."""
    for number in range(9):
        position = await apublish("public:a", number)
    lost = {"channel": "public:a", "recover": True, "epoch": "another", "offset": 2}
    cold = await client.command(subscribe={**lost, "flag": 3})
    trimmed = await client.command(subscribe={**lost, "epoch": position.epoch, "flag": 2})
    warm = await client.command(subscribe={**lost, "flag": 2})
    plain = await client.subscribe("public:a", recover=True, epoch="another", offset=2)
    await client.command(unsubscribe={"channel": "public:a"})
    recovered = await client.subscribe("public:a", recover=True, epoch=position.epoch, offset=8, flag=2)
    await apublish("public:a", "next")
    [push] = await client.until(1)

    assert [cold, trimmed, warm] == [UNRECOVERABLE] * 3
    assert plain.get("recovered") is None
    assert [each["data"] for each in recovered["publications"]] == [8]
    assert push["pub"]["data"] == "next"


async def test_getstate_without_history_is_refused(client: FakeTransport) -> None:
    """108: no position could ever be recovered, and to say 112 would have the client load its state for ever."""
    reply = await client.command(subscribe={"channel": "live:a", "recover": True, "flag": 2})

    assert reply == {"error": {"code": 108, "message": "not available"}}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ({"subscribe": {"type": 1}}, "type is not served"),
        ({"subscribe": {"type": 4}}, "type is not served"),
        ({"subscribe": {"phase": 2}}, "phase is not served"),
        ({"subscribe": {"cursor": "x"}}, "cursor is not served"),
        ({"subscribe": {"limit": 10}}, "limit is not served"),
        ({"subscribe": {"asc": True}}, "asc is not served"),
        ({"subscribe": {"delta": "vcdiff"}}, "a delta is fossil, not 'vcdiff'"),
        ({"subscribe": {"flag": 4}}, "flag 4 is not served"),
        ({"subscribe": {"flag": -1}}, "flag -1 is not served"),
        ({"subscribe": {"tf": {"cmp": "like", "key": "k"}}}, "a filter cannot compare by 'like'"),
        ({"publish": {"data": 1, "type": 1}}, "type is not served"),
        ({"publish": {"data": 1, "key": "k"}}, "key is not served"),
        ({"publish": {"data": 1, "removed": True}}, "removed is not served"),
        ({"sub_refresh": {"type": 1}}, "type is not served"),
        ({"sub_refresh": {"track": [{"signature": "s"}]}}, "track is not served"),
        ({"sub_refresh": {"untrack": ["k"]}}, "untrack is not served"),
    ],
)
async def test_what_is_not_served_is_refused(client: FakeTransport, command: dict[str, Any], why: str) -> None:
    """107 that names it, and nothing of the command is carried out."""
    [(method, request)] = command.items()
    if method != "subscribe":
        await client.subscribe("public:a")
    reply = await client.command(**{method: {"channel": "public:a", **request}})

    assert reply == {"error": {"code": 107, "message": f"bad request: {why}"}}
    assert ("public:a" in client.session.subscriptions) == (method != "subscribe")


async def test_expired_token_of_a_subscription_can_be_tried_again(runtime: Runtime) -> None:
    """109, temporary: the SDKs fetch another one and do not give the channel up."""
    client = await user(runtime)
    await client.subscribe("secret:a", token=tokens.subscription_token(KEY, "42", "secret:a"))
    expired = tokens.subscription_token(KEY, "42", "secret:a", ttl=-60)
    reply = await client.command(sub_refresh={"channel": "secret:a", "token": expired})

    assert reply == {"error": {"code": 109, "message": "token expired", "temporary": True}}
    assert "secret:a" in client.session.subscriptions


async def test_token_names_the_channel_where_the_command_does_not(runtime: Runtime) -> None:
    """centrifuge-python until 0.4; for a channel that the client is not subscribed to there is nothing to refresh."""
    client = await user(runtime)
    await client.subscribe("secret:a", token=tokens.subscription_token(KEY, "42", "secret:a", ttl=60))
    reply = await client.command(sub_refresh={"token": tokens.subscription_token(KEY, "42", "secret:a", ttl=600)})
    other = await client.command(sub_refresh={"token": tokens.subscription_token(KEY, "42", "secret:b")})

    assert 598 <= reply["sub_refresh"]["ttl"] <= 600
    assert other == {"error": {"code": 103, "message": "permission denied"}}


async def test_deltas_are_agreed_on(client: FakeTransport) -> None:
    """The answer says whether there will be any; data is a string there."""
    await apublish("every:a", {"n": 1})
    yes = await client.subscribe("every:a", delta="fossil", recover=True)
    no = await client.subscribe("public:a", delta="fossil")
    await apublish("every:a", {"n": 2})
    await apublish("public:a", {"n": 2})
    pushes = await client.until(2)

    assert (yes["delta"], no.get("delta")) == (True, None)
    assert yes["publications"] == [{"data": '{"n":1}', "offset": 1}]
    assert {push["channel"]: push["pub"]["data"] for push in pushes} == {"every:a": '{"n":2}', "public:a": {"n": 2}}


async def test_filters_are_allowed_by_the_namespace(client: FakeTransport) -> None:
    """107 where they are not; with one there are no deltas, and the answer has what it wants too."""
    node = {"key": "n", "cmp": "eq", "val": "1"}
    refused = await client.command(subscribe={"channel": "public:a", "tf": node})
    for number in range(3):
        await apublish("every:a", number, tags={"n": str(number)})
    result = await client.subscribe("every:a", tf=node, delta="fossil", recover=True)
    for number in range(3):
        await apublish("every:a", number, tags={"n": str(number)})
    [push] = await client.until(1)

    assert refused == {"error": {"code": 107, "message": "bad request: no filters in this namespace"}}
    assert result.get("delta") is None
    assert [each["data"] for each in result["publications"]] == [1]
    assert (push["pub"]["data"], push["pub"]["offset"]) == (1, 5)


async def test_stream_that_was_born_and_expired_does_not_look_whole(redis_url: str) -> None:
    """Neither to who stood before its first publication nor to who names no epoch."""
    async with running(redis_url) as first:
        early = FakeTransport(first)
        await early.connect()
        unborn = (await early.subscribe("public:late"))["epoch"]
    async with running(redis_url) as other:
        await apublish("public:late", 1)
        await asyncio.to_thread(streams.remove_history, "public:late")
        await apublish("public:late", 2)
        results = []
        for epoch in (unborn, ""):
            reader = FakeTransport(other)
            await reader.connect()
            results.append(await reader.subscribe("public:late", recover=True, epoch=epoch))

    assert unborn
    assert [(result.get("recovered"), result.get("publications")) for result in results] == [(None, None)] * 2
