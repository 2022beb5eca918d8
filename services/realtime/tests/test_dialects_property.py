"""Whatever is published: JSON, Protobuf, deltas of both and a recovery give the same data, byte for byte."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem import apublish
from tandem.publication import encode_json
from tandem_realtime.protocol.encodings import LINES, MESSAGES
from tests.readers import Reader, every_reader
from tests.session_clients import running

KINDS = 6
SECONDS = 20.0
numbers = itertools.count()

texts = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(texts, inner, max_size=6)),
    max_leaves=25,
)
names = st.sampled_from(["größe", "Ada", "😀" * 9])
rows = st.fixed_dictionaries({"id": st.integers(0, 3), "name": names, "rest": texts})
documents = st.one_of(values, st.fixed_dictionaries({"rows": st.lists(rows, max_size=12), "note": texts}))
spelled = st.builds(
    lambda value, ascii, indent: json.dumps(value, ensure_ascii=ascii, indent=indent),
    documents,
    st.booleans(),
    st.sampled_from([None, None, 1]),
)
readers = st.integers(0, KINDS - 1)
steps = st.one_of(
    st.tuples(st.just("publish"), spelled, st.sampled_from(["0", "1"])),
    st.tuples(st.just("publish"), spelled, st.sampled_from(["0", "1"])),
    st.tuples(st.sampled_from(["cut", "come"]), readers),
    st.tuples(st.just("rest")),
)


stories = st.lists(steps, max_size=40)
health = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(deadline=None, max_examples=60, suppress_health_check=health)
@given(story=stories)
def test_every_reader_gets_the_same(redis_url: str, story: Sequence[Any]) -> None:
    """Every offset once, in order; a reader with a filter gets what it wants of them."""
    asyncio.run(check(redis_url, story))


@pytest.mark.slow
@settings(deadline=None, max_examples=3000, suppress_health_check=health)
@given(story=stories)
def test_every_reader_gets_the_same_for_long(redis_url: str, story: Sequence[Any]) -> None:
    """The same, in thousands of stories."""
    asyncio.run(check(redis_url, story))


async def check(redis_url: str, story: Sequence[Any]) -> None:
    async with running(redis_url) as runtime:
        channel = f"every:{next(numbers)}"
        wanted = {"key": "n", "cmp": "eq", "val": "1"}
        everyone = [
            *every_reader(runtime, channel),
            *(Reader(runtime, channel, encoding, tf=wanted) for encoding in (LINES, MESSAGES)),
        ]
        for reader in everyone:
            await reader.come()
        published: list[tuple[int, bytes, str]] = []
        for step in [*story, *(("come", index) for index in range(KINDS))]:
            await take(step, channel, everyone, published)
        told = [[(offset, data) for offset, data, _ in published]] * 4
        chosen = [[(offset, data) for offset, data, tag in published if tag == "1"]] * 2
        async with asyncio.timeout(SECONDS):
            while any(len(reader.heard) < len(due) for reader, due in zip(everyone, told + chosen, strict=True)):
                await asyncio.sleep(0.001)

        assert [reader.heard for reader in everyone] == told + chosen
        assert not any(reader.told_lost for reader in everyone)


async def take(step: Sequence[Any], channel: str, everyone: Sequence[Reader], published: list[Any]) -> None:
    match step:
        case "publish", text, tag:
            data = msgspec.Raw(text.encode())
            position = await apublish(channel, data, tags={"n": tag})
            published.append((position.offset, encode_json(data), tag))
        case "cut", index:
            everyone[index].cut()
        case "come", index if not everyone[index].is_here:
            await everyone[index].come()
        case ("rest",):
            await asyncio.sleep(0.002)


async def test_deltas_are_sent(redis_url: str) -> None:
    """To those who take them, but for the first publication after each subscribe."""
    async with running(redis_url) as runtime:
        everyone = every_reader(runtime, "every:deltas")
        for reader in everyone:
            await reader.come()
        for number in range(5):
            await apublish("every:deltas", {"number": number, "text": "the same as ever " * 9})
        async with asyncio.timeout(SECONDS):
            while any(len(reader.heard) < 5 for reader in everyone):
                await asyncio.sleep(0.001)

        assert [reader.delta_count for reader in everyone] == [0, 4, 0, 4]
        assert len({tuple(reader.heard) for reader in everyone}) == 1
