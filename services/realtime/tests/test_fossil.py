"""Deltas: what they make of their source, against vectors of the JavaScript package fossil-delta."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_realtime.protocol.fossil import MAX_BYTES, checksum, delta
from tests.fossil_reader import apply

VECTORS: list[dict[str, str]] = json.loads(Path(__file__).with_name("fossil_vectors.json").read_text("utf-8"))

pieces = st.sampled_from(
    ["größe", "€uro ", "😀", '{"id":17,"name":"Ada"},', "a", "0123456789abcdef" * 3, "\n", "ß" * 40]
)
texts = st.lists(st.one_of(pieces, st.text(max_size=20)), max_size=40).map("".join)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["target"][:20] or "empty")
def test_vectors(vector: dict[str, Any]) -> None:
    """We read their deltas as they do, and ours makes the same target with no more than a few bytes more."""
    source, target, theirs = vector["source"].encode(), vector["target"].encode(), base64.b64decode(vector["delta"])
    ours = delta(source, target)

    assert apply(source, theirs) == target
    if ours is None:
        assert len(theirs) >= len(target)
    else:
        assert apply(source, ours) == target
        assert len(ours) <= 1.2 * len(theirs)


@given(source=texts, target=texts)
def test_makes_the_target(source: str, target: str) -> None:
    """Of any two texts; what it says is a text too, and shorter than the target, or there is none."""
    made = delta(source.encode(), target.encode())

    if made is not None:
        made.decode()
        assert apply(source.encode(), made) == target.encode()
        assert len(made) < len(target.encode())


@given(head=texts, old=texts, new=texts, tail=texts)
def test_makes_the_target_of_a_text_that_changed_in_the_middle(head: str, old: str, new: str, tail: str) -> None:
    """What stayed at both ends is copied."""
    source, target = (head + old + tail).encode(), (head + new + tail).encode()
    made = delta(source, target)

    assert apply(source, made) == target if made is not None else len(target) < len(new.encode()) + 64


@given(source=st.binary(max_size=300), target=st.binary(max_size=300))
def test_makes_the_target_of_bytes(source: bytes, target: bytes) -> None:
    """Bytes that are no text are as good."""
    made = delta(source, target + source)

    assert made is None or apply(source, made) == target + source


def test_checksum_is_fossils() -> None:
    """Words of four bytes, the highest first, zeros behind what is left over."""
    assert [checksum(data) for data in (b"", b"\1", b"\0\0\0\2\1", b"\xff" * 8)] == [
        0,
        1 << 24,
        2 + (1 << 24),
        2**32 - 2,
    ]


def test_what_is_long_is_not_compared() -> None:
    """The event loop is everybody's."""
    long = b"x" * (MAX_BYTES + 1)

    assert (delta(long, b"x" * 100), delta(b"x" * 100, long)) == (None, None)


def test_the_worst_takes_milliseconds() -> None:
    """Two texts with nothing in common, and two of a single letter, at the limit of the size."""
    digits = "".join(str(number * 7919 % 104_729) for number in range(MAX_BYTES))[:MAX_BYTES].encode()
    began = time.process_time()
    for source, target in ((digits, digits[::-1]), (b"a" * MAX_BYTES, b"a" * (MAX_BYTES - 1) + b"b")):
        delta(source, target)

    assert time.process_time() - began < 0.5
