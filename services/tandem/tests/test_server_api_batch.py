"""A batch: one round trip to each shard, in order, each failure its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import redis
from pytest_django import Settings

from rig.servers import free_port
from tandem.groups import shard_for
from tandem.sync_shards import Command, Shards
from tests.asking import ask

NEWS = "public:news"

EVERYTHING: list[dict[str, Any]] = [
    {"publish": {"channel": NEWS, "data": 1}},
    {"history": {"channel": NEWS, "limit": 10}},
    {"broadcast": {"channels": [NEWS, "public:other"], "data": 2}},
    {"presence": {"channel": NEWS}},
    {"presence_stats": {"channel": NEWS}},
    {"subscribe": {"user": "42", "channel": NEWS}},
    {"unsubscribe": {"user": "42", "channel": NEWS}},
    {"refresh": {"user": "42"}},
    {"disconnect": {"user": "42"}},
    {"history_remove": {"channel": NEWS}},
    {"publish": {"channel": NEWS, "data": 3}},
    {"history": {"channel": NEWS, "limit": 10}},
]


@pytest.fixture(autouse=True)
def _namespaces(settings: Settings, project: None) -> None:
    """One namespace with everything."""
    namespaces = {"public": {"history_size": 300, "history_ttl": 3600, "presence": True}}
    settings.TANDEM = {**settings.TANDEM, "namespaces": namespaces}


def batch(*commands: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask for *commands* together and return the replies."""
    replies: list[dict[str, Any]] = ask("batch", {"commands": commands})["replies"]
    return replies


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each shard was sent something and its replies were waited for; what passes the network tells less."""
    counted: Counter[int] = Counter()
    exchange = Shards._exchange

    def count(self: Shards, shard: int, commands: Sequence[Command]) -> list[Any]:
        counted[shard] += 1
        return exchange(self, shard, commands)

    monkeypatch.setattr(Shards, "_exchange", count)
    return counted


def trips_of(counted: Counter[int], *commands: dict[str, Any]) -> dict[int, int]:
    """Return what a batch adds to the round trips to each shard; Redis knows the scripts."""
    batch(*commands)
    counted.clear()
    replies = batch(*commands)
    assert [list(reply) for reply in replies] == [list(command) for command in commands]
    return dict(counted)


def test_every_kind_of_command_goes_in_one_round_trip(
    redis_url: str, round_trips: Counter[int], settings: Settings
) -> None:
    """A batch of all methods that Redis answers costs what one publish costs."""
    settings.TANDEM = {**settings.TANDEM, "redis_urls": [redis_url]}

    assert trips_of(round_trips, {"publish": {"channel": NEWS, "data": 1}}) == {0: 1}
    assert trips_of(round_trips, *EVERYTHING) == {0: 1}


def test_each_shard_has_one_round_trip(redis_url: str, round_trips: Counter[int], settings: Settings) -> None:
    """However the channels are spread."""
    settings.TANDEM = {**settings.TANDEM, "redis_urls": [redis_url, f"{redis_url[:-1]}1"]}
    spread = [{"broadcast": {"channels": [f"public:{number}" for number in range(8)], "data": 0}}]

    assert trips_of(round_trips, *spread, *EVERYTHING) == {0: 1, 1: 1}


@pytest.mark.parametrize("forgotten", [False, True], ids=["known", "forgotten"])
def test_commands_on_one_channel_keep_their_order(redis_url: str, forgotten: bool) -> None:
    """Each sees what those before it did; also where Redis has to learn the scripts first."""
    batch(*EVERYTHING)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        if forgotten:
            client.script_flush()
    replies = batch(*EVERYTHING)

    def data(reply: dict[str, Any]) -> list[int]:
        return [each["data"] for each in reply["history"]["publications"]]

    assert [reply["publish"]["offset"] for reply in (replies[0], replies[10])] == [1, 3]
    assert [each["result"]["offset"] for each in replies[2]["broadcast"]["responses"]] == [2, 1]
    assert (data(replies[1]), data(replies[11])) == ([1], [3])


def test_shard_that_is_down_fails_its_commands_alone(settings: Settings, redis_url: str) -> None:
    """Code 100 for those, results for the others, each channel of a broadcast for itself."""
    settings.TANDEM = {**settings.TANDEM, "redis_urls": [redis_url, f"redis://127.0.0.1:{free_port()}/0"]}
    here = next(f"public:{n}" for n in range(99) if shard_for(f"public:{n}", 2) == 0)
    there = next(f"public:{n}" for n in range(99) if shard_for(f"public:{n}", 2) == 1)
    away = {"code": 100, "message": "internal server error"}
    first, second, third, fourth = batch(
        {"publish": {"channel": there, "data": 1}},
        {"publish": {"channel": here, "data": 1}},
        {"history": {"channel": there}},
        {"broadcast": {"channels": [there, here], "data": 2}},
    )

    assert (first, third) == ({"error": away}, {"error": away})
    assert second["publish"]["offset"] == 1
    refused, published = fourth["broadcast"]["responses"]
    assert (refused, published["result"]["offset"]) == ({"error": away}, 2)


def test_command_that_redis_refuses_fails_alone(redis_url: str) -> None:
    """Its neighbours in the pipeline have their results."""
    with redis.Redis.from_url(redis_url) as client:
        client.set("tandem:presence-expiry:{public:broken}", "not a sorted set")
        replies = batch({"presence": {"channel": "public:broken"}}, {"presence_stats": {"channel": NEWS}})

    assert replies == [
        {"error": {"code": 100, "message": "internal server error"}},
        {"presence_stats": {"num_clients": 0, "num_users": 0}},
    ]


def test_questions_to_the_processes_stand_in_their_places() -> None:
    """They wait for others than Redis, after everything else was done; the replies are in the order of the batch."""
    replies = batch({"info": {}}, {"publish": {"channel": NEWS, "data": 1}}, {"channels": {}}, {"fly": {}})

    assert [next(iter(reply)) for reply in replies] == ["info", "publish", "channels", "error"]
    assert (replies[0], replies[2]) == ({"info": {"nodes": []}}, {"channels": {"channels": {}}})


def test_batch_of_nothing_is_answered() -> None:
    """Without Redis."""
    assert batch() == []
