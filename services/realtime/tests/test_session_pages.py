"""What was missed arrives whatever its size: in the answer, and behind it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tandem import apublish, tokens
from tandem.publication import Publication
from tandem_realtime.runtime import Runtime
from tandem_realtime.session.pages import pages
from tests.session_clients import KEY, FakeTransport


def test_pages_are_full_and_never_empty() -> None:
    """One publication may be larger than a page."""
    publications = [Publication("c", b"x" * size) for size in (4, 6, 1, 30, 2)]

    assert [[len(each.data) for each in page] for page in pages(publications, 10)] == [[4, 6], [1], [30], [2]]
    assert pages(publications[:2], 10) == [publications[:2]]
    assert pages([], 10) == [[]]


@pytest.fixture
async def small(runtime: Runtime) -> Runtime:
    """Pages of 1,000 bytes."""
    runtime.options = dataclasses.replace(runtime.options, recovery_page_bytes=1000)
    return runtime


def numbers(client: FakeTransport, answer: dict[str, Any]) -> list[int]:
    """Return what a client got, in order."""
    pushed = [push["pub"] for push in client.pushes if "pub" in push]
    return [each["data"]["n"] for each in [*answer.get("publications", []), *pushed]]


async def test_large_recovery_comes_in_pages(small: Runtime) -> None:
    """The answer says how far it goes; pushes go on from there, before anything new."""
    for n in range(60):
        at = await apublish("every:pages", {"n": n, "text": "x" * 100})
    client = FakeTransport(small)
    await client.connect()
    answer = await client.subscribe("every:pages", recover=True, epoch=at.epoch, offset=10)
    await apublish("every:pages", {"n": 60})
    await client.until(60 - 10 - len(answer["publications"]) + 1)

    assert answer["recovered"]
    assert 1 < len(answer["publications"]) < 10
    assert answer["offset"] == answer["publications"][-1]["offset"]
    assert numbers(client, answer) == list(range(10, 61))
    assert max(len(data) for data in client.writes) < 2500


async def test_all_that_the_namespace_keeps_is_recovered(runtime: Runtime, client: FakeTransport) -> None:
    """More than one read of the stream takes, and more than memory keeps."""
    for n in range(299):
        at = await apublish("every:long", {"n": n, "text": "x" * 1000})
    answer = await client.subscribe("every:long", recover=True, epoch=at.epoch, offset=0)
    await client.until(299 - len(answer["publications"]))

    assert numbers(client, answer) == list(range(299))


@pytest.mark.parametrize(("name", "most"), [("PART", 7), ("PART_BYTES", 20_000)])
async def test_long_history_is_read_in_parts(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    """No limit that is written nowhere."""
    monkeypatch.setattr(f"tandem_realtime.hub.streams.{name}", most)
    for n in range(60):
        at = await apublish("every:read", {"n": n, "text": "x" * 4000})
    client = FakeTransport(runtime)
    await client.connect()
    answer = await client.subscribe("every:read", recover=True, epoch=at.epoch, offset=1)
    await client.until(59 - len(answer["publications"]))

    assert numbers(client, answer) == list(range(1, 60))


async def test_subscriptions_of_a_token_recover_from_the_stream(runtime: Runtime) -> None:
    """60 missed of 4 KB: more than memory holds."""
    for n in range(60):
        at = await apublish("every:token", {"n": n, "text": "x" * 4000})
    client = FakeTransport(runtime)
    subs = {"every:token": {"recover": True, "epoch": at.epoch, "offset": 0}}
    result = await client.connect(token=tokens.connection_token(KEY, "42", channels=["every:token"]), subs=subs)
    answer = result["subs"]["every:token"]

    assert answer["recovered"]
    assert numbers(client, answer) == list(range(60))
