"""The official JavaScript SDK, unchanged, through the edge: every feature over each of its transports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from rig.cable import Cable
from rig.sdk_client import SdkClient, js_client
from rig.servers import wait_until
from rig.stack import Stack
from tandem.tokens import connection_token, subscription_token

TRANSPORTS = ("websocket", "http_stream", "sse", "websocket-protobuf", "http_stream-protobuf")
TOKEN_KEY = "key-of-the-tests-0123456789abcdefghij"
_STREAM = {"history_size": 100, "history_ttl": 600, "recovery": True, "read_history": "subscribers"}
NAMESPACES = {
    "public": {**_STREAM, "subscribe": "anyone", "publish": "subscribers"},
    "room": {**_STREAM, "subscribe": "anyone", "presence": True, "join_leave": True, "read_presence": "subscribers"},
    "secret": _STREAM,
    "notifications": {**_STREAM, "personal": True},
}

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A pair of our own, with namespaces for every feature."""
    environ = {"TANDEM_NAMESPACES": json.dumps(NAMESPACES)}
    with Stack(tmp_path_factory.mktemp("sdk"), environ=environ) as running:
        yield running


@pytest.fixture
async def server(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The server API."""
    headers = {"X-API-Key": "server-api-key"}
    async with httpx.AsyncClient(base_url=f"{stack.url}/server/", headers=headers, timeout=10) as client:
        yield client


async def call(server: httpx.AsyncClient, method: str, **request: Any) -> dict[str, Any]:
    """Call the server API and return the result."""
    answer = (await server.post(method, json=request)).raise_for_status().json()
    assert "result" in answer, answer
    return dict(answer["result"])


async def publish(server: httpx.AsyncClient, channel: str, *values: Any, **options: Any) -> None:
    for value in values:
        await call(server, "publish", channel=channel, data=value, **options)


def endpoints(transport: str, port: int) -> dict[str, str]:
    """Return what the SDK is configured with."""
    name, _, dialect = transport.partition("-")
    base = f"127.0.0.1:{port}/ws"
    first = f"ws://{base}/" if name == "websocket" else f"http://{base}/{name}"
    emulation = f"http://{base}/emulation"
    return {"transport": name, "endpoint": first, "emulation_endpoint": emulation, "dialect": dialect or "json"}


def opened(transport: str, stack: Stack) -> Any:
    return js_client(**endpoints(transport, stack.edge.port))


async def begin(client: SdkClient, channel: str, *, connect: dict[str, Any] | None = None, **settings: Any) -> Any:
    """Connect and subscribe; return what the SDK says about the subscription."""
    await client.do("connect", **(connect or {}))
    await client.do("subscribe", channel=channel, **settings)
    return await client.event("subscribed")


async def test_receives_with_tags(transport: str, stack: Stack, server: httpx.AsyncClient) -> None:
    """Publications arrive in order, with offsets and tags."""
    async with opened(transport, stack) as client:
        subscribed = await begin(client, "public:receive")
        await publish(server, "public:receive", {"n": 1}, "two", None, tags={"kind": "test"})
        publications = await client.publications(3)

    first = subscribed["streamPosition"]["offset"] + 1
    assert [publication["data"] for publication in publications] == [{"n": 1}, "two", None]
    assert [publication["offset"] for publication in publications] == [first, first + 1, first + 2]
    assert publications[0]["tags"] == {"kind": "test"}


async def test_recovers_after_a_cut(transport: str, stack: Stack, server: httpx.AsyncClient) -> None:
    """What was published while the connection was cut arrives once it is back, each once and in order."""
    async with Cable(stack.edge.port) as cable, js_client(**endpoints(transport, cable.port)) as client:
        await begin(client, "public:cut")
        cable.cut()
        await client.event("connecting")
        await publish(server, "public:cut", *range(20))
        cable.mend()
        again = await client.event("subscribed")
        publications = await client.publications(20)

    assert (again["wasRecovering"], again["recovered"]) == (True, True)
    assert [publication["data"] for publication in publications] == list(range(20))


async def test_publishes_and_reads_history(transport: str, stack: Stack) -> None:
    """A subscriber publishes, the others hear it with its client info, and it reads what was published, by pages."""
    channel = f"public:history-{transport}"
    token = connection_token(TOKEN_KEY, "42", info={"name": "Ada"})
    async with opened(transport, stack) as listener, opened(transport, stack) as client:
        await begin(listener, channel)
        await begin(client, channel, connect={"token": token})
        for value in range(3):
            await client.call("publish", {"value": value}, channel=channel)
        heard = await listener.publications(3)
        page = await client.call("history", {"limit": 2}, channel=channel)
        rest = await client.call(
            "history", {"limit": 5, "since": {"offset": 2, "epoch": page["epoch"]}}, channel=channel
        )
        newest = await client.call("history", {"limit": 1, "reverse": True}, channel=channel)

    assert [publication["data"]["value"] for publication in heard] == [0, 1, 2]
    assert (heard[0]["info"]["user"], heard[0]["info"]["connInfo"]) == ("42", {"name": "Ada"})
    assert [publication["data"]["value"] for publication in page["publications"]] == [0, 1]
    assert [publication["data"]["value"] for publication in rest["publications"]] == [2]
    assert [publication["data"]["value"] for publication in newest["publications"]] == [2]


async def test_presence_and_join(transport: str, stack: Stack) -> None:
    """Everyone in a room sees who is there and who comes."""
    channel = f"room:{transport}"
    async with opened(transport, stack) as one, opened(transport, stack) as two:
        await begin(one, channel, connect={"token": connection_token(TOKEN_KEY, "1")})
        await begin(two, channel, connect={"token": connection_token(TOKEN_KEY, "2", info={"name": "Two"})})
        join = await one.event("join")
        while join["info"]["user"] != "2":
            join = await one.event("join")
        presence = await one.call("presence", channel=channel)
        stats = await one.call("presenceStats", channel=channel)

    assert join["info"]["connInfo"] == {"name": "Two"}
    assert {info["user"] for info in presence["clients"].values()} == {"1", "2"}
    assert (stats["numClients"], stats["numUsers"]) == (2, 2)


async def test_unsubscribes(transport: str, stack: Stack, server: httpx.AsyncClient) -> None:
    """After an unsubscribe nothing of that channel arrives, and another still does."""
    async with opened(transport, stack) as client:
        await begin(client, "public:left")
        await client.do("subscribe", channel="public:kept")
        await client.event("subscribed")
        await client.do("unsubscribe", channel="public:left")
        unsubscribed = await client.event("unsubscribed")
        await client.call("history", {"limit": 0}, channel="public:kept")
        await publish(server, "public:left", "not heard")
        await publish(server, "public:kept", "heard")
        [publication] = await client.publications(1)

    assert (unsubscribed["code"], publication["data"]) == (0, "heard")


async def test_server_side_subscription(transport: str, stack: Stack, server: httpx.AsyncClient) -> None:
    """The personal channel and those in the token come with the connection, and recover over a cut."""
    user = f"user-{transport}"
    token = connection_token(TOKEN_KEY, user, channels=["secret:side"])
    async with Cable(stack.edge.port) as cable, js_client(**endpoints(transport, cable.port)) as client:
        await client.do("connect", token=token)
        channels = {(await client.event("server.subscribed"))["channel"] for _ in range(2)}
        cable.cut()
        await client.event("connecting")
        await publish(server, f"notifications:#{user}", {"n": 1})
        cable.mend()
        publication = await client.event("server.publication")

    assert channels == {"secret:side", f"notifications:#{user}"}
    assert (publication["channel"], publication["data"]) == (f"notifications:#{user}", {"n": 1})


async def test_server_gives_takes_and_ends(transport: str, stack: Stack, server: httpx.AsyncClient) -> None:
    """The server API subscribes, unsubscribes and disconnects a user; the SDK understands each."""
    user = f"ruled-{transport}"
    async with opened(transport, stack) as client:
        await client.do("connect", token=connection_token(TOKEN_KEY, user))
        await client.event("connected")
        await call(server, "subscribe", user=user, channel="secret:given")
        given = await client.event("server.subscribed")
        while given["channel"] != "secret:given":
            given = await client.event("server.subscribed")
        await publish(server, "secret:given", "psst")
        heard = await client.event("server.publication")
        await call(server, "unsubscribe", user=user, channel="secret:given")
        taken = await client.event("server.unsubscribed")
        await call(server, "disconnect", user=user, disconnect={"code": 4501, "reason": "enough"})
        ended = await client.event("disconnected")

    assert (heard["data"], taken["channel"]) == ("psst", "secret:given")
    assert (ended["code"], ended["reason"]) == (4501, "enough")


async def test_tokens_are_refreshed(transport: str, stack: Stack, server: httpx.AsyncClient) -> None:
    """Before a token runs out the SDK sends a new one; the connection and the subscription live on."""
    channel = "secret:refresh"
    before = {method: commands(stack, method) for method in ("refresh", "sub_refresh")}
    async with opened(transport, stack) as client:
        await begin(
            client, channel,
            connect={"token": connection_token(TOKEN_KEY, "r", ttl=3), "tokens": [connection_token(TOKEN_KEY, "r")]},
            token=subscription_token(TOKEN_KEY, "r", channel, ttl=3),
            tokens=[subscription_token(TOKEN_KEY, "r", channel)],
        )  # fmt: skip
        for method, count in before.items():
            await asyncio.to_thread(wait_until, partial(has_refreshed, stack, method, count), seconds=10, what=method)
        await publish(server, channel, "still here")
        [publication] = await client.publications(1)

    assert publication["data"] == "still here"


async def test_expired_token_at_connect_is_replaced(transport: str, stack: Stack) -> None:
    """109: the SDK fetches a new token and connects with that."""
    old = connection_token(TOKEN_KEY, "e", ttl=-60)
    async with opened(transport, stack) as client:
        await client.do("connect", token=old, tokens=[connection_token(TOKEN_KEY, "e")])
        connected = await client.event("connected")

    assert connected["transport"] == transport.partition("-")[0]


async def test_forged_token_ends_for_good(transport: str, stack: Stack) -> None:
    """3500: there is no point in coming back."""
    forged = connection_token("some-other-key-0123456789abcdefghij", "42")
    async with opened(transport, stack) as client:
        await client.do("connect", token=forged)
        ended = await client.event("disconnected")

    assert (ended["code"], ended["reason"]) == (3500, "invalid token")


async def test_drain_is_survived(transport: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The process is replaced: the SDK comes back to the next one and has everything."""
    environ = {"TANDEM_NAMESPACES": json.dumps(NAMESPACES)}
    with Stack(tmp_path_factory.mktemp("drain"), environ=environ) as own:
        headers = {"X-API-Key": "server-api-key"}
        async with (
            httpx.AsyncClient(base_url=f"{own.url}/server/", headers=headers) as server,
            opened(transport, own) as client,
        ):
            await begin(client, "public:drain")
            await publish(server, "public:drain", 1)
            assert await asyncio.to_thread(own.realtime.stop) == 0
            told = await client.event("connecting")
            await publish(server, "public:drain", 2)
            await asyncio.to_thread(own.realtime.start)
            publications = await client.publications(1)

    assert (told["code"], told["reason"]) == (3001, "shutdown")
    assert [publication["data"] for publication in publications] == [2]


def has_refreshed(stack: Stack, method: str, before: float) -> bool:
    return commands(stack, method) > before


def commands(stack: Stack, method: str) -> float:
    """Return how many commands of this kind were carried out."""
    text = httpx.get(f"http://127.0.0.1:{stack.private_port}/metrics").text
    name = f'tandem_commands_total{{method="{method}",outcome="ok"}} '
    return next((float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)), 0.0)
