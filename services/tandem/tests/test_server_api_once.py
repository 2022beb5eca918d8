"""Idempotency keys: the same key publishes once in a channel, whichever way it comes."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from tandem import streams
from tests.asking import ask

CHANNELS = ["public:a", "public:b"]


@pytest.fixture(autouse=True)
def _namespaces(settings: Settings, project: None) -> None:
    """A namespace with history, so that what was published can be counted."""
    settings.TANDEM = {**settings.TANDEM, "namespaces": {"public": {"history_size": 300, "history_ttl": 3600}}}


def counts() -> list[int]:
    """How many publications each channel has."""
    return [len(streams.history(channel, limit=-1).publications) for channel in CHANNELS]


def publish(channel: str, key: str = "k") -> dict[str, Any]:
    """The parameters of a publish."""
    return {"channel": channel, "data": 1, "idempotency_key": key}


def broadcast(key: str = "k") -> dict[str, Any]:
    """The parameters of a broadcast."""
    return {"channels": CHANNELS, "data": 1, "idempotency_key": key}


@pytest.mark.parametrize(
    ("method", "body", "count"),
    [
        ("publish", publish("public:a"), [1, 0]),
        ("broadcast", broadcast(), [1, 1]),
        ("batch", {"commands": [{"publish": publish("public:a")}, {"broadcast": broadcast("other")}]}, [2, 1]),
    ],
)
def test_request_that_is_sent_again_publishes_nothing(method: str, body: dict[str, Any], count: list[int]) -> None:
    """The second answer is the first one: positions and all."""
    first = ask(method, body)
    second = ask(method, body)

    assert second == first
    assert counts() == count


def test_same_key_twice_in_one_batch_publishes_once() -> None:
    """The repeat has the position of the first."""
    first, second, third = ask(
        "batch", {"commands": [{"publish": publish("public:a")}] * 2 + [{"broadcast": broadcast()}]}
    )["replies"]

    assert second == first
    assert third["broadcast"]["responses"][0]["result"] == first["publish"]
    assert counts() == [1, 1]


def test_same_channel_twice_in_one_broadcast_publishes_once() -> None:
    """With a key; without one, twice."""
    first, second = ask("broadcast", {**broadcast(), "channels": ["public:a", "public:a"]})["result"]["responses"]
    ask("broadcast", {"channels": ["public:b", "public:b"], "data": 1})

    assert second == first
    assert counts() == [1, 2]


def test_empty_key_is_no_key() -> None:
    """As clients send it that have no null."""
    for _ in range(2):
        ask("publish", publish("public:a", key=""))

    assert counts() == [2, 0]
