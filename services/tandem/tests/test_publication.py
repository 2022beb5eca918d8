"""Positions and publications: what travels, byte for byte, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tandem.publication import Position, Publication, encode_json, from_message, pack_body


def test_position_is_read_as_it_is_written() -> None:
    """Epochs may have colons."""
    assert Position.parse(str(Position("a:b", 7))) == Position("a:b", 7)
    assert Position.parse(str(Position("", 0))) == Position("", 0)


@pytest.mark.parametrize("text", ["", "7", ":7", "a:", "a:-1", "a:1.5", "a:٣", "a:" + "9" * 19, "a:0x1", "a: 1"])
def test_malformed_position_is_refused(text: str) -> None:
    """The error shows what came."""
    with pytest.raises(ValueError, match="a position is <epoch>:<offset>, not"):
        Position.parse(text)


def test_packed_body_is_a_channel_layer_message() -> None:
    """Data, tags and info pass as the JSON text that they are; what is empty takes no room."""
    body = pack_body("c", b'{ "x":1.50}', tags=b'{"a":"b"}', info=b"", time=5, request="r1")
    message = msgspec.msgpack.decode(body)

    assert message == {
        "type": "publication",
        "channel": "c",
        "json": b'{ "x":1.50}',
        "time": 5,
        "tags": b'{"a":"b"}',
        "request": "r1",
    }
    assert from_message("c", message) == Publication("c", b'{ "x":1.50}', tags=b'{"a":"b"}', time=5, request="r1")


def test_packed_body_leaves_room_for_offset_and_epoch() -> None:
    """The Lua script adds two entries to the first byte: with every field set it is still a fixmap."""
    body = pack_body("c", b"1", tags=b"{}", info=b"{}", time=1, request="r")

    assert 0x80 < body[0] <= 0x8F - 2


def test_plain_group_send_is_a_publication_without_offset() -> None:
    """What anybody's Django code sends has data of any JSON type."""
    message = {"type": "publication", "data": {"a": [1, None]}, "tags": {"k": "v"}}

    assert from_message("c", message) == Publication("c", b'{"a":[1,null]}', tags=b'{"k":"v"}')
    assert from_message("c", {"type": "publication", "data": None}).data == b"null"


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"json": b""},
        {"json": "text"},
        {"json": 5},
        {"data": object()},
        {"data": {1: {2: {3}}}, "tags": object()},
        {"data": 1, "offset": "1"},
        {"data": 1, "offset": None},
        {"data": 1, "offset": 1, "epoch": b"e"},
        {"data": 1, "offset": True},
        {"data": 1, "time": "now"},
        {"data": 1, "tags": object()},
        {"data": 1, "tags": {"a": 1}},
        {"data": 1, "tags": "a"},
        {"data": 1, "tags": b"{"},
        {"data": 1, "info": {"user": 5, "client": "c"}},
        {"data": 1, "info": {"name": "Ada"}},
    ],
)
def test_malformed_message_is_refused(message: dict[str, Any]) -> None:
    """Whatever somebody sends to the group, a `ValueError` is all that comes of it."""
    with pytest.raises(ValueError, match=r"carries no data|wrong type|not JSON|that are none"):
        from_message("c", message)


def test_json_is_encoded_as_django_means_it() -> None:
    """Text stays readable; dates and Decimals become what JSON has."""
    assert encode_json({"name": "Ü", "at": datetime(2026, 1, 2, tzinfo=UTC)}) == (
        '{"name":"Ü","at":"2026-01-02T00:00:00Z"}'.encode()
    )


@pytest.mark.parametrize("value", [object(), {"a": {1: object()}}, {("a", "b"): 1}])
def test_what_is_not_json_is_refused(value: Any) -> None:
    """Types that JSON lacks."""
    with pytest.raises(ValueError, match="data is not JSON"):
        encode_json(value)


def test_circular_data_is_refused() -> None:
    """Not a crash."""
    circle: list[Any] = []
    circle.append(circle)

    with pytest.raises(ValueError, match="data is not JSON"):
        encode_json(circle)


def test_raw_passes_byte_for_byte() -> None:
    """Spaces and the form of numbers stay."""
    assert encode_json(msgspec.Raw(b'{ "a" : 1.50 }')) == b'{ "a" : 1.50 }'


@pytest.mark.parametrize("text", [b'{\n  "a": 1\n}', b'{\r"a":1}', b'{\r\n"a": 1}'])
def test_raw_on_several_lines_becomes_one(text: bytes) -> None:
    """On the wire lines separate messages."""
    assert encode_json(msgspec.Raw(text)) == b'{"a":1}'
