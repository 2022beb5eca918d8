"""The server API through ``cent`` while clients are connected: api and realtime as they run in production."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import cent
import pytest
import pytest_asyncio

from rig.pair import TOKEN_KEY, Realtime
from rig.servers import RedisServer
from rig.wire import Wire, open_socket
from tandem import __version__
from tandem.tokens import connection_token
from tests.gunicorn_process import Gunicorn

ROOM = "room:7"
STREAM = {"history_size": 300, "history_ttl": 600, "recovery": True, "subscribe": "anyone"}
NAMESPACES = {"room": {**STREAM, "presence": True}, "public": STREAM, "given": {"history_size": 9, "history_ttl": 600}}


class Service(NamedTuple):
    """Where it is."""

    server_url: str
    ws_url: str
    node: Realtime


class Member(NamedTuple):
    """One connection, with the id that connect answered."""

    wire: Wire
    client: str


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Both services over a Redis of their own."""
    directory = tmp_path_factory.mktemp("connected")
    environ = {"TANDEM_NAMESPACES": json.dumps(NAMESPACES)}
    database = f"sqlite:///{directory / 'tandem.sqlite3'}"
    with (
        RedisServer(directory) as redis,
        Realtime(redis.url, directory, environ) as realtime,
        Gunicorn(directory, database_url=database, redis_url=redis.url, environ=environ) as api,
    ):
        yield Service(f"{api.url}/server", f"{realtime.ws_url}/ws/", realtime)


@pytest_asyncio.fixture
async def client(service: Service) -> AsyncIterator[cent.AsyncClient]:
    """The client that users have, unchanged."""
    async with cent.AsyncClient(service.server_url, "new-key") as client:
        yield client


@pytest_asyncio.fixture
async def ada(service: Service) -> AsyncIterator[Member]:
    """A connection of the user ada, in the room."""
    async with open_socket(service.ws_url) as wire:
        yield await join(wire, "ada", info={"name": "Ada"})


@pytest_asyncio.fixture
async def ben(service: Service) -> AsyncIterator[Member]:
    """A connection of the user ben, in the room."""
    async with open_socket(service.ws_url) as wire:
        yield await join(wire, "ben")


async def join(wire: Wire, user: str, **claims: Any) -> Member:
    """Connect as *user* and subscribe to the room."""
    reply = await wire.command(connect={"token": connection_token(TOKEN_KEY, user, **claims)})
    await wire.subscribe(ROOM)
    return Member(wire, reply["connect"]["client"])


async def pushed(member: Member) -> dict[str, Any]:
    """The next push."""
    return await asyncio.wait_for(member.wire.pushes.get(), 5)


async def test_presence_shows_who_is_there(client: cent.AsyncClient, ada: Member, ben: Member) -> None:
    """Each client by its id, with its user and what its token says about it."""
    found = (await client.presence(cent.PresenceRequest(channel=ROOM))).presence

    assert {id_: found[id_].model_dump(exclude_none=True) for id_ in (ada.client, ben.client)} == {
        ada.client: {"client": ada.client, "user": "ada", "conn_info": {"name": "Ada"}},
        ben.client: {"client": ben.client, "user": "ben"},
    }


async def test_presence_stats_counts_clients_and_users(client: cent.AsyncClient, service: Service) -> None:
    """Two tabs of one user are two clients."""
    async with open_socket(service.ws_url) as first, open_socket(service.ws_url) as second:
        for tab in (first, second):
            await tab.command(connect={"token": connection_token(TOKEN_KEY, "cy")})
            await tab.subscribe("room:tabs")
        request = cent.PresenceStatsRequest(channel="room:tabs")
        async with asyncio.timeout(5):  # Redis is told of a client just after its subscribe reply
            while (stats := await client.presence_stats(request)).num_clients < 2:
                await asyncio.sleep(0.02)

    assert (stats.num_clients, stats.num_users) == (2, 1)


async def test_channels_and_info_tell_of_the_process(
    client: cent.AsyncClient, service: Service, ada: Member, ben: Member
) -> None:
    """Alone or in a batch, where they stand in their places."""
    channels = cent.ChannelsRequest(pattern="room:?")
    found = await client.channels(channels)
    [node] = (await client.info(cent.InfoRequest())).nodes
    batch = await client.batch(cent.BatchRequest(requests=[cent.InfoRequest(), channels]))

    assert found.channels[ROOM].num_clients == 2
    assert (node.num_clients, node.num_users, node.version) == (2, 2, __version__)
    assert [reply.model_dump() for reply in batch.replies] == [
        {"nodes": [node.model_dump()]},
        found.model_dump(),
    ]


async def test_publish_and_broadcast_reach_the_clients(client: cent.AsyncClient, ada: Member) -> None:
    """With offset and tags; what skips the history has no offset."""
    first = await client.publish(cent.PublishRequest(channel=ROOM, data={"n": 1}, tags={"k": "v"}))
    await client.broadcast(cent.BroadcastRequest(channels=[ROOM, "public:x"], data=2))
    await client.publish(cent.PublishRequest(channel=ROOM, data=3, skip_history=True))

    assert [push["pub"] for push in [await pushed(ada), await pushed(ada), await pushed(ada)]] == [
        {"data": {"n": 1}, "offset": first.offset, "tags": {"k": "v"}},
        {"data": 2, "offset": first.offset + 1},
        {"data": 3},
    ]


async def test_key_pushes_once(client: cent.AsyncClient, ada: Member) -> None:
    """Sent again by publish, broadcast and batch, with the position of the first."""
    once = cent.PublishRequest(channel=ROOM, data="once", idempotency_key="key")
    first = await client.publish(once)
    again = await client.publish(once)
    spread = await client.broadcast(cent.BroadcastRequest(channels=[ROOM], data="once", idempotency_key="key"))
    batch = await client.batch(cent.BatchRequest(requests=[once, once]))
    await client.publish(cent.PublishRequest(channel=ROOM, data="last"))

    assert [again, spread.responses[0].result, *batch.replies] == [first] * 4
    assert [(await pushed(ada))["pub"]["data"] for _ in range(2)] == ["once", "last"]


async def test_subscribe_gives_a_channel_and_unsubscribe_takes_it(client: cent.AsyncClient, ada: Member) -> None:
    """One that she could not have asked for; with data, and what she missed."""
    before = await client.history(cent.HistoryRequest(channel="given:x"))
    await client.publish(cent.PublishRequest(channel="given:x", data="missed"))
    since = cent.StreamPosition(offset=before.offset, epoch=before.epoch)
    await client.subscribe(cent.SubscribeRequest(user="ada", channel="given:x", data={"hello": 1}, recover_since=since))
    subscribed, missed = await pushed(ada), await pushed(ada)
    await client.unsubscribe(cent.UnsubscribeRequest(user="ada", channel="given:x"))

    assert (subscribed["channel"], subscribed["subscribe"]["data"]) == ("given:x", {"hello": 1})
    assert missed["pub"] == {"data": "missed", "offset": before.offset + 1}
    assert (await pushed(ada))["unsubscribe"]["code"] == 2000


async def test_disconnect_ends_all_but_the_whitelist(client: cent.AsyncClient, ada: Member, service: Service) -> None:
    """With the code and the reason that the request gives."""
    async with open_socket(service.ws_url) as wire:
        other = await join(wire, "ada")
        await client.disconnect(
            cent.DisconnectRequest(
                user="ada", whitelist=[ada.client], disconnect=cent.Disconnect(code=4000, reason="bye")
            )
        )

        assert await other.wire.closed() == (4000, "bye")
    await client.publish(cent.PublishRequest(channel=ROOM, data="still here"))
    assert (await pushed(ada))["pub"]["data"] == "still here"


async def test_refresh_lets_a_connection_run_out(client: cent.AsyncClient, ben: Member) -> None:
    """At once, when it is told to be expired."""
    await client.refresh(cent.RefreshRequest(user="ben", client=ben.client, expired=True))

    assert await ben.wire.closed() == (3005, "connection expired")


async def test_history_and_its_removal(client: cent.AsyncClient) -> None:
    """Pages in both directions; removed, the position stays."""
    channel = "public:pages"
    for number in range(1, 4):
        last = await client.publish(cent.PublishRequest(channel=channel, data=number))
    pages = [
        await client.history(cent.HistoryRequest(channel=channel, limit=2, reverse=reverse))
        for reverse in (False, True)
    ]
    await client.history_remove(cent.HistoryRemoveRequest(channel=channel))
    after = await client.history(cent.HistoryRequest(channel=channel, limit=2))

    assert [[each.data for each in page.publications] for page in pages] == [[1, 2], [3, 2]]
    assert (after.publications, after.offset, after.epoch) == ([], last.offset, last.epoch)


async def test_binary_data_has_to_be_json(client: cent.AsyncClient) -> None:
    """cent's base64 is taken, and what is in it looked at."""
    with pytest.raises(cent.CentApiResponseError) as raised:
        await client.publish(cent.PublishRequest(channel=ROOM, data=None, b64data="AA=="))

    assert raised.value.code == 107
    assert raised.value.message.startswith("bad request: data in base64 has to be JSON")
