"""What the official Python SDK (centrifuge-python, unchanged) can do with Tandem, beyond subscribing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from centrifuge import (
    Client,
    ClientEventHandler,
    ReplyError,
    StreamPosition,
    Subscription,
    SubscriptionEventHandler,
)

from rig.overrides import override_tandem
from rig.pair import TOKEN_KEY, Realtime
from rig.servers import RedisServer
from tandem import apublish
from tandem.control import asubscribe, aunsubscribe
from tandem.tokens import connection_token, subscription_token

SECONDS = 10.0
STREAM = {"history_size": 100, "history_ttl": 60}
NAMESPACES: dict[str, dict[str, Any] | None] = {
    "public": {
        **STREAM,
        "recovery": True,
        "subscribe": "anyone",
        "publish": "subscribers",
        "read_history": "subscribers",
    },
    "room": {"subscribe": "anyone", "presence": True, "join_leave": True, "read_presence": "subscribers"},
    "latest": {**STREAM, "latest": True, "subscribe": "anyone"},
    "secret": {**STREAM, "recovery": True},
    "mail": {**STREAM, "recovery": True, "personal": True},
    "notifications": None,
}


class Events(SubscriptionEventHandler, ClientEventHandler):  # type: ignore[misc]  # the SDK is not typed
    """Keep what the SDK reports, of a client or of a subscription, by its name."""

    def __init__(self) -> None:
        self._heard: dict[str, asyncio.Queue[Any]] = {}

    def of(self, name: str) -> asyncio.Queue[Any]:
        """Return what was reported as *name*."""
        return self._heard.setdefault(name, asyncio.Queue())

    async def next(self, name: str) -> Any:
        """Wait for the next report of *name*."""
        return await asyncio.wait_for(self.of(name).get(), SECONDS)

    async def on_connected(self, ctx: Any) -> None:
        self.of("connected").put_nowait(ctx)

    async def on_disconnected(self, ctx: Any) -> None:
        self.of("disconnected").put_nowait(ctx)

    async def on_subscribing(self, ctx: Any) -> None:
        self.of("subscribing").put_nowait(ctx)

    async def on_subscribed(self, ctx: Any) -> None:
        self.of("subscribed").put_nowait(ctx)

    async def on_unsubscribed(self, ctx: Any) -> None:
        self.of("unsubscribed").put_nowait(ctx)

    async def on_publication(self, ctx: Any) -> None:
        self.of("publication").put_nowait(ctx)

    async def on_join(self, ctx: Any) -> None:
        self.of("join").put_nowait(ctx)

    async def on_leave(self, ctx: Any) -> None:
        self.of("leave").put_nowait(ctx)

    async def on_error(self, ctx: Any) -> None:
        self.of("error").put_nowait(ctx)


class Place:
    """One realtime process, and clients of it that end with the test."""

    def __init__(self, process: Realtime, stack: AsyncExitStack) -> None:
        self.url = f"{process.ws_url}/ws/"
        self._stack = stack

    async def connect(self, user: str = "", **options: Any) -> tuple[Client, Events]:
        """Return a client that is connected, as *user* if that is given."""
        events = Events()
        if user:
            options = {"token": connection_token(TOKEN_KEY, user), **options}
        client = Client(self.url, events=events, min_reconnect_delay=0.05, proxy=None, **options)
        await client.connect()
        self._stack.push_async_callback(client.disconnect)
        await events.next("connected")
        return client, events

    async def subscribe(self, client: Client, channel: str, **options: Any) -> tuple[Subscription, Events, Any]:
        """Return a subscription that has begun, its events, and what it began with."""
        events = Events()
        subscription = client.new_subscription(channel, events, **options)
        await subscription.subscribe()
        return subscription, events, await events.next("subscribed")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Realtime]:
    """A realtime process with a namespace for each feature."""
    environ = {"TANDEM_NAMESPACES": json.dumps(NAMESPACES)}
    directory: Path = tmp_path_factory.mktemp("sdk")
    with Realtime(redis_server.url, directory, environ) as process:
        yield process


@pytest_asyncio.fixture
async def place(process: Realtime, redis_server: RedisServer) -> AsyncIterator[Place]:
    """The process, and this test as a producer."""
    with override_tandem(redis_urls=[redis_server.url], namespaces=NAMESPACES):
        async with AsyncExitStack() as stack:
            yield Place(process, stack)


async def test_publication_with_tags(place: Place) -> None:
    """Data, offset and tags arrive."""
    client, _ = await place.connect()
    _, events, _ = await place.subscribe(client, "public:tags")
    position = await apublish("public:tags", {"x": 1}, tags={"kind": "new"})
    publication = (await events.next("publication")).pub

    assert (publication.data, publication.offset, publication.tags) == ({"x": 1}, position.offset, {"kind": "new"})


async def test_client_publishes(place: Place) -> None:
    """To its own subscription too, with who it was; where it may not, the SDK raises the code."""
    client, _ = await place.connect("42")
    subscription, events, _ = await place.subscribe(client, "public:chat")
    forbidden, _, _ = await place.subscribe(client, "latest:chat")
    await subscription.publish({"text": "hello"})
    publication = (await events.next("publication")).pub

    assert publication.data == {"text": "hello"}
    assert publication.info.user == "42"
    with pytest.raises(ReplyError) as caught:
        await forbidden.publish(1)
    assert caught.value.code == 103


async def test_history_by_pages(place: Place) -> None:
    """Position, pages on, pages back."""
    positions = [await apublish("public:pages", number) for number in range(7)]
    epoch, last = positions[-1]
    client, _ = await place.connect()
    subscription, _, _ = await place.subscribe(client, "public:pages")
    at = await subscription.history(limit=0)
    page = await subscription.history(limit=3, since=StreamPosition(last - 5, epoch))
    back = await subscription.history(limit=2, reverse=True)
    every = await subscription.history(limit=-1)

    assert (at.offset, at.epoch, at.publications) == (last, epoch, [])
    assert [publication.data for publication in page.publications] == [2, 3, 4]
    assert [publication.data for publication in back.publications] == [6, 5]
    assert [publication.data for publication in every.publications] == list(range(7))
    with pytest.raises(ReplyError) as caught:
        await subscription.history(limit=1, since=StreamPosition(1, "another"))
    assert caught.value.code == 112


async def test_presence_join_and_leave(place: Place) -> None:
    """Who is there, who comes, who goes."""
    ada, _ = await place.connect("1", token=connection_token(TOKEN_KEY, "1", info={"name": "Ada"}))
    room, events, _ = await place.subscribe(ada, "room:7", join_leave=True)
    await events.next("join")
    bob, _ = await place.connect("2")
    theirs, _, _ = await place.subscribe(bob, "room:7", join_leave=True)
    joined = (await events.next("join")).info
    present = (await theirs.presence()).clients
    stats = await theirs.presence_stats()
    await theirs.unsubscribe()
    left = (await events.next("leave")).info
    after = await room.presence_stats()

    assert joined.user == left.user == "2"
    assert sorted((info.user, json.dumps(info.conn_info)) for info in present.values()) == [
        ("1", '{"name": "Ada"}'),
        ("2", "null"),
    ]
    assert (stats.num_clients, stats.num_users) == (2, 2)
    assert (after.num_clients, after.num_users) == (1, 1)


async def test_presence_that_is_not_kept(place: Place) -> None:
    """108."""
    client, _ = await place.connect()
    subscription, _, _ = await place.subscribe(client, "public:nobody")
    with pytest.raises(ReplyError) as caught:
        await subscription.presence()

    assert caught.value.code == 108


async def test_latest_value_comes_with_the_subscription(place: Place) -> None:
    """A new subscriber knows the value at once."""
    for number in range(3):
        await apublish("latest:price", {"value": number})
    client, _ = await place.connect()
    _, events, _ = await place.subscribe(client, "latest:price")
    publication = (await events.next("publication")).pub
    await apublish("latest:price", {"value": 3})

    assert publication.data == {"value": 2}
    assert (await events.next("publication")).pub.data == {"value": 3}


async def test_server_side_subscriptions(place: Place) -> None:
    """Of the token, and the user's own; and those that the server gives and takes later."""
    token = connection_token(TOKEN_KEY, "42", channels=["secret:board"])
    client, events = await place.connect(token=token)
    begun = {(await events.next("subscribed")).channel for _ in range(2)}
    await apublish("secret:board", "a")
    await apublish("mail:#42", "b")
    heard = [await events.next("publication") for _ in range(2)]
    await asubscribe("secret:extra", user="42")
    given = await events.next("subscribed")
    await aunsubscribe("secret:extra", user="42")
    taken = await events.next("unsubscribed")

    assert begun == {"secret:board", "mail:#42"}
    assert sorted((context.channel, context.pub.data) for context in heard) == [
        ("mail:#42", "b"),
        ("secret:board", "a"),
    ]
    assert (given.channel, taken.channel) == ("secret:extra", "secret:extra")
    assert client.state.value == "connected"


async def test_connection_token_is_refreshed(place: Place) -> None:
    """The SDK fetches a new one before the old runs out; the connection is the same."""
    fetched: list[float] = []

    async def get_token() -> str:
        fetched.append(time.monotonic())
        return connection_token(TOKEN_KEY, "42", ttl=1 if len(fetched) < 3 else 600)

    client, events = await place.connect(token=connection_token(TOKEN_KEY, "42", ttl=1), get_token=get_token)
    async with asyncio.timeout(SECONDS):
        while len(fetched) < 3:
            await asyncio.sleep(0.05)

    assert events.of("connected").empty()
    assert events.of("disconnected").empty()
    assert client.state.value == "connected"


async def test_expired_token_is_replaced_at_connect(place: Place) -> None:
    """109 makes the SDK ask for another."""

    async def get_token() -> str:
        return connection_token(TOKEN_KEY, "42")

    client, _ = await place.connect(token=connection_token(TOKEN_KEY, "42", ttl=-60), get_token=get_token)

    assert client.state.value == "connected"


async def test_subscription_token_is_refreshed(place: Place) -> None:
    """The same for one channel."""
    fetched: list[str] = []

    async def get_token(channel: str) -> str:
        fetched.append(channel)
        return subscription_token(TOKEN_KEY, "42", channel, ttl=1 if len(fetched) < 3 else 600)

    client, _ = await place.connect("42")
    _, events, _ = await place.subscribe(client, "secret:plans", get_token=get_token)
    async with asyncio.timeout(SECONDS):
        while len(fetched) < 3:
            await asyncio.sleep(0.05)
    await apublish("secret:plans", 1)
    publication = (await events.next("publication")).pub

    assert fetched == ["secret:plans"] * 3
    assert publication.data == 1
    assert events.of("unsubscribed").empty()


async def test_refused_subscription_ends_for_good(place: Place) -> None:
    """103 without a token: the SDK does not try again."""
    client, _ = await place.connect("42")
    events = Events()
    subscription = client.new_subscription("secret:plans", events)
    await subscription.subscribe()
    ended = await events.next("unsubscribed")

    assert ended.code == 103


async def test_forged_token_ends_the_connection_for_good(place: Place) -> None:
    """3500: the SDK does not come back."""
    events = Events()
    token = connection_token("another-key-0123456789abcdefghijklmnop", "42")
    client = Client(place.url, events=events, token=token, proxy=None)
    await client.connect()
    ended = await events.next("disconnected")

    assert ended.code == 3500


async def test_rpc_is_refused(place: Place) -> None:
    """104: no method is registered."""
    client, _ = await place.connect()
    with pytest.raises(ReplyError) as caught:
        await client.rpc("anything", {})

    assert caught.value.code == 104
