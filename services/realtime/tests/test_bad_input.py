"""What no client should say: each gets its code, reaches nobody else, and costs the process nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from rig.pair import TOKEN_KEY, Pair
from rig.wire import Wire, open_wire
from tandem import Position, apublish, position
from tandem.tokens import connection_token, subscription_token
from tests.server_process import RawClient, masked

CONNECT = '{"id":1,"connect":{}}'


def url(pair: Pair) -> str:
    return f"{pair.here.ws_url}/ws/"


async def close_code(pair: Pair, *frames: str | bytes) -> tuple[int, str]:
    """Send frames on a new socket and return how it ends."""
    async with connect(url(pair), compression=None, ping_interval=None) as socket:
        try:
            for frame in frames:
                await socket.send(frame)
            async with asyncio.timeout(30):
                while True:
                    await socket.recv()
        except ConnectionClosed:
            return socket.close_code or 0, socket.close_reason or ""


async def error(wire: Wire, **command: Any) -> int:
    """Send a command and return the code of its error; 0 when it was carried out."""
    return int((await wire.command(**command)).get("error", {}).get("code", 0))


def unsigned(claims: dict[str, Any]) -> str:
    """Make a token with `alg: none`."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "none"}, claims)
    ]
    return ".".join([*parts, ""])


@pytest.mark.parametrize(
    "frames",
    [
        ["nonsense"],
        ["[]"],
        ["1"],
        ['"connect"'],
        ["null"],
        [b"\x01\x02"],
        ['{"id":1}'],
        ['{"id":0,"connect":{}}'],
        ['{"id":-1.5,"connect":{}}'],
        ['{"id":"1","connect":{}}'],
        ['{"id":1,"connect":[]}'],
        ['{"id":1,"connect":{},"subscribe":{"channel":"public:x"}}'],
        ['{"id":1,"subscribe":{"channel":"public:x"}}'],
        ['{"id":1,"connect":{"token":7}}'],
        ["[" * 10_000 + "]" * 10_000],
        ['{"id":1,"connect":{"data":' + "[" * 10_000 + "]" * 10_000 + "}}"],
        ['{"id":1,"connect":{}' + ',"a":{"a":' * 5_000 + "1" + "}}" * 5_000 + "}"],
        [CONNECT, CONNECT],
        [CONNECT, '{"id":2,"nothing":{}}'],
        [CONNECT, '{"id":2,"subscribe":{"channel":7}}'],
        [CONNECT, '{"id":2,"subscribe":{"channel":"public:x","offset":"7"}}'],
        [CONNECT, '{"id":2,"publish":{"channel":"public:x","data":' + "[" * 10_000 + "]" * 10_000 + "}}"],
        [CONNECT, "x" * 70_000],
        [f"{CONNECT}\n\n{{"],
    ],
)
async def test_malformed_frame_ends_with_3501(pair: Pair, frames: list[str | bytes]) -> None:
    """A client that does not speak the protocol is sent away for good."""
    assert await close_code(pair, *frames) == (3501, "bad request")


def test_invalid_utf8_is_1007(pair: Pair) -> None:
    """RFC 6455, section 8.1."""
    with RawClient(pair.here.port) as client:
        client.open("/ws/").send(masked(1, b'{"id":1,"connect":{"name":"\xff"}}'))

        assert client.read_close()[0] == 1007


def test_frames_of_one_byte_are_put_together(pair: Pair) -> None:
    """A message in a thousand fragments is one message; two thousand empty ones are nothing to carry."""
    with RawClient(pair.here.port) as client:
        client.open("/ws/")
        text = CONNECT.encode()
        client.send(masked(1, text[:1], fin=False))
        for index in range(1, len(text) - 1):
            client.send(masked(0, text[index : index + 1], fin=False))
            client.send(masked(0, b"", fin=False) * 50)
        client.send(masked(0, text[-1:]))
        opcode, payload = client.read_frame()

    assert (opcode, json.loads(payload)["id"]) == (1, 1)


async def test_wrong_names_are_errors(pair: Pair) -> None:
    """A malformed channel is 107, an undeclared namespace 102, and the connection goes on."""
    malformed = ["", " ", "a b", "public:\n", "public:é", "public:\x00", "x" * 256, "public:" + "x" * 249]
    undeclared = ["x", ":", ":x", "nowhere:x", "PUBLIC:x", "#42", "public"]
    async with open_wire(url(pair)) as wire:
        for channel in malformed:
            assert await error(wire, subscribe={"channel": channel}) == 107, channel
        for channel in undeclared:
            assert await error(wire, subscribe={"channel": channel}) == 102, channel

        assert await error(wire, subscribe={"channel": "public:" + "x" * 248}) == 0


async def test_numbers_out_of_range_are_errors(pair: Pair) -> None:
    """Negative and huge numbers reach neither Redis nor the other subscribers."""
    at = await apublish("public:numbers", 1)
    async with open_wire(url(pair)) as wire:
        await wire.subscribe("public:numbers")
        for offset in (-1, -(2**62), 2**53, 2**63):
            recover = {"channel": "public:other", "recover": True, "epoch": at.epoch, "offset": offset}
            assert await error(wire, subscribe=recover) == 107, offset
            since = {"epoch": at.epoch, "offset": offset}
            assert await error(wire, history={"channel": "public:numbers", "limit": 1, "since": since}) == 107, offset
        for limit, found in ((-2, None), (-1, 1), (0, 0), (2**31, 1), (10**15, 1)):
            reply = await wire.command(history={"channel": "public:numbers", "limit": limit})
            if found is None:
                assert reply["error"]["code"] == 107
            else:
                assert len(reply["history"].get("publications", [])) == found, limit


async def test_position_in_the_future_harms_nobody(pair: Pair) -> None:
    """Anybody can claim to be ahead of a stream. The claimant is told; everyone else is left alone."""
    at = await apublish("public:future", 1)
    async with open_wire(url(pair)) as victim, open_wire(url(pair)) as liar:
        await victim.subscribe("public:future")
        result = await liar.subscribe("public:future", recover=True, epoch=at.epoch, offset=at.offset + 1000)
        after = await apublish("public:future", 2)
        [heard] = await victim.publications(1)

    assert (result["was_recovering"], result.get("recovered", False), result.get("publications", [])) == (
        True,
        False,
        [],
    )
    assert after == Position(at.epoch, at.offset + 1)
    assert heard["offset"] == after.offset


async def test_epoch_of_another_stream_is_told(pair: Pair) -> None:
    """No publication of this stream follows a position of another."""
    other = await apublish("public:one", 1)
    at = await apublish("public:two", 1)
    async with open_wire(url(pair)) as wire:
        result = await wire.subscribe("public:two", recover=True, epoch=other.epoch, offset=0)

    place = {"epoch": at.epoch, "offset": at.offset}
    assert result == {"recoverable": True, "positioned": True, "was_recovering": True, **place}


async def test_one_more_than_128_subscriptions(pair: Pair) -> None:
    """106, and the 128 others are served."""
    async with open_wire(url(pair)) as wire:
        for number in range(128):
            await wire.subscribe(f"public:many-{number}")
        code = await error(wire, subscribe={"channel": "public:many-128"})
        await apublish("public:many-127", "served")
        [heard] = await wire.publications(1)
        await wire.command(unsubscribe={"channel": "public:many-0"})

        assert await error(wire, subscribe={"channel": "public:many-128"}) == 0
    assert (code, heard["data"]) == (106, "served")


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        unsigned({"sub": "42"}),
        connection_token("another-key-0123456789abcdefghijklm", "42"),
        jwt.encode({"sub": "42"}, TOKEN_KEY * 2, "HS512"),
        subscription_token(TOKEN_KEY, "42", "secret:x"),
        connection_token("another-key-0123456789abcdefghijklm", "42", ttl=-60),
    ],
)
async def test_wrong_connection_token_is_3500(pair: Pair, token: str) -> None:
    """Malformed, unsigned, forged, meant for something else: for good."""
    frame = json.dumps({"id": 1, "connect": {"token": token}})

    assert await close_code(pair, frame) == (3500, "invalid token")


async def test_wrong_subscription_token_is_103(pair: Pair) -> None:
    """Another channel, another user, another key, no signature; expired is 109. None of them hears anything."""
    mine = {"sub": "42", "channel": "secret:x"}
    tokens = {
        "x": 103,
        unsigned(mine): 103,
        subscription_token("another-key-0123456789abcdefghijklm", "42", "secret:x"): 103,
        subscription_token(TOKEN_KEY, "42", "secret:y"): 103,
        subscription_token(TOKEN_KEY, "43", "secret:x"): 103,
        subscription_token(TOKEN_KEY, "", "secret:x"): 103,
        connection_token(TOKEN_KEY, "42"): 103,
        subscription_token(TOKEN_KEY, "42", "secret:x", ttl=-60): 109,
        "": 103,
    }
    async with open_wire(url(pair), token=connection_token(TOKEN_KEY, "42")) as wire:
        for token, code in tokens.items():
            assert await error(wire, subscribe={"channel": "secret:x", "token": token}) == code, token
        await apublish("secret:x", "secret")
        await wire.subscribe("public:after")
        await apublish("public:after", "public")
        [heard] = await wire.publications(1)

    assert heard["data"] == "public"


async def test_refusals_without_a_token(pair: Pair) -> None:
    """What a namespace does not allow, and what it does not have."""
    async with open_wire(url(pair)) as wire:
        await wire.subscribe("live:x")
        await wire.subscribe("public:x")
        refused: dict[int, list[dict[str, Any]]] = {
            103: [
                {"subscribe": {"channel": "members:x"}},
                {"subscribe": {"channel": "room:x#42"}},
                {"subscribe": {"channel": "notifications:#42"}},
                {"subscribe": {"channel": "secret:x"}},
                {"publish": {"channel": "live:x", "data": 1}},
                {"publish": {"channel": "public:not-subscribed", "data": 1}},
                {"history": {"channel": "public:not-subscribed"}},
                {"sub_refresh": {"channel": "public:x", "token": "x"}},
            ],
            104: [{"rpc": {"method": "x", "data": {}}}],
            105: [{"subscribe": {"channel": "public:x"}}],
            107: [{"publish": {"channel": "public:x"}}],
            108: [
                {"history": {"channel": "live:x"}},
                {"presence": {"channel": "public:x"}},
                {"presence_stats": {"channel": "public:x"}},
            ],
        }
        for code, commands in refused.items():
            for command in commands:
                assert await error(wire, **command) == code, command


async def test_names_of_other_users_do_not_open_a_named_channel(pair: Pair) -> None:
    """The ids after # are compared whole."""
    async with open_wire(url(pair), token=connection_token(TOKEN_KEY, "4")) as wire:
        for channel in (
            "room:x#42",
            "room:x#14",
            "room:#",
            "room:x#",
            "room:4",
            "room:x#4 ",
            "notifications:#42",
            "notifications:#4,42",
        ):
            assert await error(wire, subscribe={"channel": channel}) in (103, 107), channel

        assert await error(wire, subscribe={"channel": "room:x#14,4"}) == 0


async def test_clients_publication_cannot_break_the_frames_of_others(pair: Pair) -> None:
    """Data passes byte for byte, but stays one JSON value on one line, whatever white space it had."""
    subscribe = '{"id":2,"subscribe":{"channel":"public:lines"}}'
    publish = '{"id":3,"publish":{"channel":"public:lines","data":{"a":\r1,\t"b":"\\u2028\\n"}}}'
    async with open_wire(url(pair)) as listener, connect(url(pair)) as client:
        await listener.subscribe("public:lines")
        for frame in (CONNECT, subscribe, publish):
            await client.send(frame)
            await client.recv()
        [heard] = await listener.publications(1)

    assert heard["data"] == {"a": 1, "b": "\u2028\n"}


async def test_flood_of_commands_is_3013(pair: Pair) -> None:
    """Many more commands than a burst and the rate allow."""
    line = '{"id":2,"unsubscribe":{"channel":"public:x"}}'
    ended = await close_code(pair, CONNECT, *["\n".join([line] * 1000)] * 3)

    assert ended == (3013, "too many requests")


async def test_garbage_does_not_slow_the_others(pair: Pair) -> None:
    """While a hundred sockets send the deepest nesting that fits a message, a publication arrives at once."""
    deep = '{"id":1,"connect":{"data":' + "[" * 30_000 + "]" * 30_000 + "}}"
    async with open_wire(url(pair)) as wire:
        await wire.subscribe("public:calm")
        floods = [asyncio.create_task(close_code(pair, deep)) for _ in range(100)]
        started = time.monotonic()
        await apublish("public:calm", 1)
        [heard] = await wire.publications(1)
        took = time.monotonic() - started
        ends = await asyncio.gather(*floods)

    assert heard["data"] == 1
    assert took < 8  # a machine four times as slow
    assert set(ends) == {(3501, "bad request")}
    assert position("public:calm").offset == 1
