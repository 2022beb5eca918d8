"""Every official SDK that can run here, unchanged, in JSON and in Protobuf: what each of them does with Tandem."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.cable import Cable
from rig.overrides import override_tandem
from rig.pair import TOKEN_KEY, Realtime
from rig.sdk_client import NEWEST, SDKS, Failure, Sdk, SdkClient, sdk_client
from rig.servers import RedisServer
from tandem import apublish, position
from tandem.control import adisconnect, arefresh, asubscribe, aunsubscribe
from tandem.tokens import connection_token, subscription_token

STREAM = {"history_size": 100, "history_ttl": 600, "recovery": True, "read_history": "subscribers"}
NAMESPACES: dict[str, dict[str, Any] | None] = {
    "public": {**STREAM, "subscribe": "anyone", "publish": "subscribers"},
    "delta": {**STREAM, "subscribe": "anyone", "delta": True, "tags_filter": True},
    "short": {**STREAM, "history_size": 2, "subscribe": "anyone"},
    "room": {"subscribe": "anyone", "presence": True, "join_leave": True, "read_presence": "subscribers"},
    "secret": STREAM,
    "mail": {**STREAM, "personal": True},
    "notifications": None,
}
AWAY = ("connecting", "disconnected")
"""What SDKs call it when they have lost the connection and come back: Python's said the second until 0.6."""
ENVIRON = {"TANDEM_NAMESPACES": json.dumps(NAMESPACES)}


@pytest.fixture(scope="module")
def realtime(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realtime]:
    """A process with a namespace for each feature."""
    with Realtime(redis_server.url, tmp_path_factory.mktemp("sdks"), ENVIRON) as running:
        yield running


@pytest.fixture(params=NEWEST, ids=str)
def sdk(request: pytest.FixtureRequest, redis_server: RedisServer) -> Iterator[Sdk]:
    """Each SDK; this test publishes by itself. `of_two_years` has the earlier versions too."""
    with override_tandem(redis_urls=[redis_server.url], namespaces=NAMESPACES):
        yield request.param


@pytest.fixture
async def client(sdk: Sdk, realtime: Realtime) -> AsyncIterator[SdkClient]:
    """A client that is not connected yet."""
    async with sdk_client(sdk, f"{realtime.ws_url}/ws/") as client:
        yield client


of_two_years = pytest.mark.parametrize("sdk", SDKS, ids=str, indirect=True)


async def begin(client: SdkClient, channel: str, *, connect: dict[str, Any] | None = None, **settings: Any) -> Any:
    """Connect and subscribe; return what the SDK says about the subscription."""
    await client.do("connect", **(connect or {}))
    await client.event("connected")
    await client.do("subscribe", channel=channel, **settings)
    return await client.event("subscribed")


@of_two_years
async def test_connects_subscribes_publishes(sdk: Sdk, client: SdkClient) -> None:
    """What others publish and what it publishes itself arrives in order, with offsets, tags and who it was."""
    channel = f"public:plain-{sdk}"
    token = connection_token(TOKEN_KEY, "42", info={"name": "Ada"})
    began = await begin(client, channel, connect={"token": token})
    await apublish(channel, {"größe": 1.5, "none": None}, tags={"kind": "test"})
    await client.do("call", method="publish", channel=channel, args=[{"said": "hello"}])
    first, second = await client.publications(2)

    assert (began["recoverable"], began["streamPosition"]["offset"]) == (True, 0)
    assert (first["data"], first["offset"], first["tags"]) == ({"größe": 1.5, "none": None}, 1, {"kind": "test"})
    assert (second["data"], second["offset"]) == ({"said": "hello"}, 2)
    assert (second["info"]["user"], second["info"]["connInfo"]) == ("42", {"name": "Ada"})


@of_two_years
async def test_recovers_after_a_cut(sdk: Sdk, realtime: Realtime) -> None:
    """What was published while the connection was cut arrives once it is back, each once and in order."""
    channel = f"public:cut-{sdk}"
    async with Cable(realtime.port) as cable, sdk_client(sdk, f"ws://127.0.0.1:{cable.port}/ws/") as client:
        await begin(client, channel)
        await apublish(channel, "before")
        await client.publications(1)
        cable.cut()
        await client.event(*AWAY)
        for number in range(20):
            await apublish(channel, number)
        cable.mend()
        again = await client.event("subscribed")
        publications = await client.publications(20)

    assert (again["wasRecovering"], again["recovered"]) == (True, True)
    assert [publication["data"] for publication in publications] == list(range(20))


async def test_history_by_pages(sdk: Sdk, client: SdkClient) -> None:
    """Position, pages on, pages back; a position of another epoch is 112."""
    channel = f"public:pages-{sdk}"
    for number in range(7):
        epoch, _ = await apublish(channel, number)
    await begin(client, channel)

    async def page(**asked: Any) -> tuple[list[Any], int]:
        found = await client.call("history", asked, channel=channel)
        return [publication["data"] for publication in found["publications"] or []], found["offset"]

    assert await page(limit=0) == ([], 7)
    assert await page(limit=3, since={"offset": 2, "epoch": epoch}) == ([2, 3, 4], 7)
    assert await page(limit=2, reverse=True) == ([6, 5], 7)
    with pytest.raises(Failure) as caught:
        await page(limit=1, since={"offset": 1, "epoch": "another"})
    assert caught.value.code == 112


async def test_presence_join_and_leave(sdk: Sdk, client: SdkClient, realtime: Realtime) -> None:
    """Who is there, who comes, who goes; 108 where it is not kept."""
    channel = f"room:{sdk}"
    await begin(client, channel, connect={"token": connection_token(TOKEN_KEY, "1")}, joinLeave=True)
    async with sdk_client(sdk, f"{realtime.ws_url}/ws/") as other:
        token = connection_token(TOKEN_KEY, "2", info={"name": "Two"})
        await begin(other, channel, connect={"token": token}, joinLeave=True)
        joins = [await client.event("join") for _ in range(2)]
        present = await client.call("presence", channel=channel)
        stats = await client.call("presenceStats", channel=channel)
        await other.do("unsubscribe", channel=channel)
        left = await client.event("leave")
    await client.do("subscribe", channel=f"public:nobody-{sdk}")
    await client.event("subscribed")

    assert [join["info"]["user"] for join in joins] == ["1", "2"]
    assert joins[1]["info"]["connInfo"] == {"name": "Two"}
    assert {info["user"] for info in present["clients"].values()} == {"1", "2"}
    assert (stats["numClients"], stats["numUsers"]) == (2, 2)
    assert left["info"]["user"] == "2"
    with pytest.raises(Failure) as caught:
        await client.call("presence", channel=f"public:nobody-{sdk}")
    assert caught.value.code == 108


async def test_subscriptions_of_the_server(sdk: Sdk, client: SdkClient) -> None:
    """Of the token and the user's own; given, taken, and the end that the server says."""
    user = f"ruled-{sdk}"
    await client.do("connect", token=connection_token(TOKEN_KEY, user, channels=["secret:board", "room:hall"]))
    begun = {(await client.event("server.subscribed"))["channel"] for _ in range(3)}
    joined = await client.event("server.join")
    await apublish(f"mail:#{user}", "letter")
    letter = await client.event("server.publication")
    await asubscribe("secret:given", user=user, data={"why": "test"})
    given = await client.event("server.subscribed")
    await apublish("secret:given", "psst")
    heard = await client.event("server.publication")
    await aunsubscribe("secret:given", user=user)
    taken = await client.event("server.unsubscribed")
    await arefresh(user=user, expire_at=None)
    await adisconnect(user=user, code=4501, reason="enough")
    ended = await client.event("disconnected")

    assert begun == {"secret:board", "room:hall", f"mail:#{user}"}
    assert joined["info"]["user"] == user
    assert (letter["channel"], letter["data"]) == (f"mail:#{user}", "letter")
    assert (given["channel"], given["data"]) == ("secret:given", {"why": "test"})
    assert (heard["data"], taken["channel"]) == ("psst", "secret:given")
    assert (ended["code"], ended["reason"]) == (4501, "enough")


@of_two_years
async def test_tokens_are_replaced(sdk: Sdk, client: SdkClient) -> None:
    """An expired one at connect (109), and one that runs out: the connection and the subscription live on."""
    channel = f"secret:tokens-{sdk}"
    # Java's gives a subscription up at 109, before it asks for a token.
    expired = {} if sdk.language == "java" else {"token": subscription_token(TOKEN_KEY, "t", channel, ttl=-60)}
    lives = (3, *[600] * 5)  # Python's 0.4 asks more often than it has to
    tokens = [connection_token(TOKEN_KEY, "t", ttl=ttl) for ttl in lives]
    await client.do("connect", token=connection_token(TOKEN_KEY, "t", ttl=-60), tokens=tokens)
    await client.event("connected")
    await client.do(
        "subscribe",
        channel=channel,
        tokens=[subscription_token(TOKEN_KEY, "t", channel, ttl=ttl) for ttl in lives],
        **expired,
    )
    await client.event("subscribed")
    client.passed_over.clear()
    await asyncio.sleep(4)
    await apublish(channel, "still here")
    [publication] = await client.publications(1)

    assert publication["data"] == "still here"
    assert [event for event in client.passed_over if event["event"] != "token"] == []


@of_two_years
async def test_expired_token_at_refresh_is_no_end(sdk: Sdk, client: SdkClient) -> None:
    """The server cuts with 3005; the SDK fetches another token, comes back and recovers."""
    channel = f"public:late-{sdk}"
    tokens = [connection_token(TOKEN_KEY, "t", ttl=ttl) for ttl in (-60, -60, 600)]
    soon = connection_token(TOKEN_KEY, "t", ttl=8 if sdk.language == "java" else 3)  # it begins slowly
    await begin(client, channel, connect={"token": soon, "tokens": tokens})
    cut = await client.event(*AWAY)
    await apublish(channel, "while it was away")
    again = await client.event("subscribed")
    [publication] = await client.publications(1)

    assert cut["code"] == 3005
    assert again["recovered"] is True
    assert publication["data"] == "while it was away"


async def test_what_ends_for_good(sdk: Sdk, client: SdkClient) -> None:
    """An unknown namespace and a refusal end the subscription, a forged token the connection; rpc has no methods."""
    await client.do("connect")
    await client.event("connected")
    with pytest.raises(Failure) as caught:
        await client.call("rpc", "anything")
    await client.do("subscribe", channel="nowhere:x")
    unknown = await client.event("unsubscribed")
    await client.do("subscribe", channel="secret:x")
    refused = await client.event("unsubscribed")
    await client.do("disconnect")
    await client.event("disconnected")
    await client.do("connect", token=connection_token("another-key-0123456789abcdefghijklmnop", "42"))
    ended = await client.event("disconnected")

    assert caught.value.code == 104
    assert (unknown["code"], refused["code"], ended["code"]) == (102, 103, 3500)


@of_two_years
async def test_comes_back_after_a_drain(sdk: Sdk, realtime: Realtime, tmp_path: Path) -> None:
    """The process ends with 3001; the SDK goes to another one, and nothing is missing."""
    channel = f"public:drain-{sdk}"
    async with Cable(0) as cable:
        with Realtime(realtime.env["TANDEM_REDIS_URLS"], tmp_path, ENVIRON) as ending:
            cable.target = ending.port
            async with sdk_client(sdk, f"ws://127.0.0.1:{cable.port}/ws/") as client:
                await begin(client, channel)
                cable.target = realtime.port
                stopping = asyncio.create_task(asyncio.to_thread(ending.stop))
                cut = await client.event(*AWAY)
                await apublish(channel, "meanwhile")
                again = await client.event("subscribed")
                [publication] = await client.publications(1)
                status = await stopping

    assert (cut["code"], status) == (3001, 0)
    assert again["recovered"] is True
    assert publication["data"] == "meanwhile"


async def test_subscribe_unsubscribe_subscribe(sdk: Sdk, client: SdkClient) -> None:
    """
    Within a moment, as React's strict mode does it: subscribed at the end, and it hears.

    Go's and Java's do not send what they are told in that order, whatever the server: they are given the time.
    """
    channel = f"public:strict-{sdk}"
    await client.do("connect")
    await client.event("connected")
    await client.do("subscribe", channel=channel)
    for _ in range(5):
        if sdk.language in ("go", "java"):
            await client.event("subscribed")
        await client.do("unsubscribe", channel=channel)
        if sdk.language in ("go", "java"):
            await asyncio.sleep(0.1)
        await client.do("resubscribe", channel=channel)
    async with asyncio.timeout(15):
        while not any(info["event"] == "publication" for info in client.passed_over):
            await apublish(channel, "heard?")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.event("nothing")

    assert not any(info["event"] == "error" for info in client.passed_over)


async def test_deltas(sdk: Sdk, client: SdkClient) -> None:
    """What arrives is what was published, in SDKs that take deltas and in those that do not."""
    channel = f"delta:{sdk}"
    await begin(client, channel, delta="fossil")
    documents = [{"number": number, "text": "größe, €, 😀 " * 20, "list": list(range(number))} for number in range(9)]
    for document in documents:
        await apublish(channel, document)
    publications = await client.publications(9)

    assert [publication["data"] for publication in publications] == documents


async def test_state_is_loaded_again(sdk: Sdk, realtime: Realtime) -> None:
    """Where the position is lost the SDK asks the application for its state, and goes on from there."""
    if "states" not in sdk.knows:
        pytest.skip("this version has no getState")
    channel = f"short:{sdk}"
    for number in range(3):
        await apublish(channel, number)
    stale, now = {"offset": 0, "epoch": "gone"}, await asyncio.to_thread(position, channel)
    assert now is not None
    async with sdk_client(sdk, f"{realtime.ws_url}/ws/") as client:
        await client.do("connect")
        await client.do("subscribe", channel=channel, states=[stale, {"offset": now.offset - 1, "epoch": now.epoch}])
        asked = [await client.event("state") for _ in range(2)]
        began = await client.event("subscribed")
        [publication] = await client.publications(1)

    assert [each["channel"] for each in asked] == [channel] * 2
    assert began["recovered"] is True
    assert publication["data"] == 2
