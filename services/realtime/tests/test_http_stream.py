"""The protocol over a response of lines."""

from __future__ import annotations

import socket

import httpx
import pytest

from rig.pair import TOKEN_KEY, Pair, open_stream
from rig.servers import wait_until
from tandem import apublish, publish
from tandem.tokens import connection_token

CONNECT = '{"id":1,"connect":{}}'


def stream_url(pair: Pair) -> str:
    return f"{pair.here.url}/ws/http_stream"


@pytest.mark.parametrize("slash", ["", "/"])
async def test_connects_and_names_its_session(pair: Pair, slash: str) -> None:
    """The reply carries what later commands need, and the session is not the client id that others see."""
    async with open_stream("POST", stream_url(pair) + slash, content=CONNECT) as lines:
        reply = await lines.json()

    connect = reply["connect"]
    assert (reply["id"], len(connect["node"]), connect["pong"]) == (1, 32, True)
    assert len(connect["session"]) >= 32
    assert connect["session"] != connect["client"]
    assert lines.response.headers["cache-control"] == "no-store, no-transform"
    assert lines.response.headers["x-accel-buffering"] == "no"


async def test_commands_behind_connect_are_carried_out(pair: Pair) -> None:
    """A body may hold more lines; pushes follow the replies."""
    subscribe = '{"id":2,"subscribe":{"channel":"public:stream"}}'
    async with open_stream("POST", stream_url(pair), content=f"{CONNECT}\n{subscribe}") as lines:
        await lines.json()
        subscribed = await lines.json()
        position = await apublish("public:stream", {"n": 1})
        push = await lines.json()

    assert subscribed["subscribe"]["recoverable"] is True
    assert push == {"push": {"channel": "public:stream", "pub": {"data": {"n": 1}, "offset": position.offset}}}


async def test_personal_channel_comes_with_the_token(pair: Pair) -> None:
    """Server-side subscriptions are in the reply, as on a socket."""
    connect = {"id": 1, "connect": {"token": connection_token(TOKEN_KEY, "42")}}
    async with open_stream("POST", stream_url(pair), json=connect) as lines:
        reply = await lines.json()

    assert list(reply["connect"]["subs"]) == ["notifications:#42"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("nonsense", 3501),
        ('{"id":1,"subscribe":{"channel":"public:x"}}', 3501),
        ('{"id":1,"connect":{"token":"a.b.c"}}', 3500),
        (b'{"id":1,"connect":{"name":"\xff\xfe"}}', 3501),
        ("[" * 10_000 + "]" * 10_000, 3501),
        ('{"id":1,"connect":{"data":' + '{"a":' * 10_000 + "1" + "}" * 10_001 + "}", 3501),
    ],
)
async def test_bad_first_command_is_told_and_ends(pair: Pair, body: str | bytes, code: int) -> None:
    """What would close a socket with a code is a disconnect push here, and then the response ends."""
    async with open_stream("POST", stream_url(pair), content=body) as lines:
        push = await lines.json()
        await lines.end()

    assert push["push"]["disconnect"]["code"] == code


async def test_drain_is_told_before_the_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A drain tells every stream to come back before its response ends."""
    with Pair(tmp_path_factory.mktemp("drain")) as own:
        async with open_stream("POST", stream_url(own), content=CONNECT) as lines:
            await lines.json()
            own.here.process.terminate()  # type: ignore[union-attr]
            push = await lines.json()
            await lines.end()
        status = own.here.stop()

    assert push == {"push": {"disconnect": {"code": 3001, "reason": "shutdown"}}}
    assert status == 0


async def test_expired_token_is_an_error_and_the_stream_stays(pair: Pair) -> None:
    """109: the SDK fetches a new token and comes again."""
    connect = {"id": 1, "connect": {"token": connection_token(TOKEN_KEY, "42", ttl=-60)}}
    async with open_stream("POST", stream_url(pair), json=connect) as lines:
        reply = await lines.json()

    assert reply["error"]["code"] == 109


async def test_body_over_the_limit_is_413(pair: Pair) -> None:
    """A body larger than a message may be is not a command."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(stream_url(pair), content=b"x" * 70_000)

    assert (answer.status_code, answer.json()["code"]) == (413, 106)


async def test_wrong_method_and_preflight(pair: Pair) -> None:
    """GET is not served; OPTIONS tells a page of a friend what it may send."""
    origin = {"origin": "https://friend.example"}
    async with httpx.AsyncClient() as client:
        get = await client.get(stream_url(pair))
        options = await client.options(stream_url(pair), headers=origin)

    assert (get.status_code, get.headers["allow"]) == (405, "POST, OPTIONS")
    assert options.status_code == 204
    assert options.headers["access-control-allow-origin"] == "https://friend.example"
    assert "content-type" in options.headers["access-control-allow-headers"]


async def test_foreign_origin_is_refused(pair: Pair) -> None:
    """A page that is not allowed gets 403, and no header that lets it read why."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(stream_url(pair), content=CONNECT, headers={"origin": "https://foe.example"})

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_reader_that_stops_is_cut_off(pair: Pair) -> None:
    """A client that does not read is ended, and what waited for it is freed."""
    subscriptions = pair.here.metric("tandem_subscriptions")
    body = f'{CONNECT}\n{{"id":2,"subscribe":{{"channel":"public:flood"}}}}'
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", pair.here.port))
        head = f"POST /ws/http_stream HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall((head + body).encode())
        wait_until(lambda: b"subscribe" in client.recv(65_536, socket.MSG_PEEK), what="the reply")
        for _ in range(80):
            publish("public:flood", "x" * 50_000)
        wait_until(
            lambda: pair.here.metric('tandem_connections_closed_total{code="3008"}') == 1,
            seconds=20,
            what="the end of the slow reader",
        )

    assert pair.here.metric("tandem_subscriptions") == subscriptions
