"""Stamps survive any server's JSON encoder; commands are those of the protocol."""

from __future__ import annotations

import json

import pytest

from loadgen import messages

STAMP = messages.MONOTONIC_BASE + 42


def test_body_is_json_of_the_asked_size() -> None:
    """The data is a JSON object of exactly the size that was asked for."""
    body = messages.body(STAMP, 7, 128)

    assert len(body) == 128
    assert json.loads(body)["s"] == f"T{STAMP}N0000000007"


def test_body_too_small() -> None:
    """A size that the stamp does not fit in is refused with the smallest that it does."""
    with pytest.raises(ValueError, match="a publication of 10 bytes: expected at least 46"):
        messages.body(STAMP, 7, 10)


@pytest.mark.parametrize("indent", [None, 2])
def test_read_finds_the_stamp_however_it_is_spaced(indent: int | None) -> None:
    """Stamp, number and offset are found in compact and in spaced JSON."""
    push = json.loads(messages.push("public:x", messages.body(STAMP, 7, 128), 12))

    assert messages.read(json.dumps(push, indent=indent).encode()) == messages.Seen(STAMP, 7, 12)


def test_read_without_a_stamp() -> None:
    """A publication of somebody else has no stamp; one of a channel without history has offset 0."""
    assert messages.read(b'{"push":{"channel":"a","pub":{"data":{"v":1}}}}') == messages.Seen(None, 0, 0)


def test_is_publication() -> None:
    """Pushes with a publication are told from other pushes, and from replies that carry some."""
    assert messages.is_publication(messages.push("a", b"{}", 1))
    assert not messages.is_publication(b'{"push":{"channel":"a","unsubscribe":{"code":2500}}}')
    assert not messages.is_publication(b'{"id":2,"subscribe":{"publications":[{"data":1,"offset":1}]}}')


def test_commands() -> None:
    """Connect, subscribe with and without a position, and publish, as the protocol writes them."""
    assert messages.connect() == b'{"id":1,"connect":{}}'
    assert messages.connect("t") == b'{"id":1,"connect":{"token":"t"}}'
    assert messages.subscribe("a") == b'{"id":2,"subscribe":{"channel":"a"}}'
    assert messages.subscribe("a", epoch="e", offset=3) == (
        b'{"id":2,"subscribe":{"channel":"a","recover":true,"epoch":"e","offset":3}}'
    )
    assert messages.publish(5, "a", b"1") == b'{"id":5,"publish":{"channel":"a","data":1}}'
