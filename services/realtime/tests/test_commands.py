"""Frames into commands: what is one, and what ends the connection."""

from __future__ import annotations

import pytest

from tandem_realtime.protocol.codes import BAD_REQUEST, DisconnectClient
from tandem_realtime.protocol.commands import Command, Connect, InChannel, Publish, Subscribe, method_of
from tandem_realtime.protocol.dialects.json import decode_frame


def decode(frame: str | bytes) -> list[Command]:
    return list(decode_frame(frame))


@pytest.mark.parametrize("kind", [str, bytes])
def test_frame_carries_commands_by_line(kind: type[str] | type[bytes]) -> None:
    """Empty lines between and after them do not count."""
    text = '{"id":1,"connect":{"name":"js"}}\n\n{"id":2,"subscribe":{"channel":"a","recover":true,"offset":3}}\r\n'
    commands = decode(text if kind is str else text.encode())

    assert commands == [
        Command(1, connect=Connect(name="js")),
        Command(2, subscribe=Subscribe("a", recover=True, offset=3)),
    ]
    assert [method_of(command) for command in commands] == ["connect", "subscribe"]


def test_empty_object_is_the_pong() -> None:
    """And nothing else is."""
    assert [command.is_pong for command in decode('{}\n{"id":1,"ping":{}}\n{"id":1}')] == [True, False, False]


def test_unknown_fields_are_ignored() -> None:
    """A newer SDK sends more."""
    assert decode('{"id":1,"unsubscribe":{"channel":"a","new":[1]},"newer":{}}') == [
        Command(1, unsubscribe=InChannel("a"))
    ]


def test_data_is_kept_byte_for_byte() -> None:
    """Spaces, the form of numbers, escapes, the order of keys."""
    text = '{ "b":1.50,  "a":"\\u00fc\\/é", "c":12345678901234567890 }'
    [command] = decode('{"id":1,"publish":{"channel":"a","data":' + text + "}}")

    assert command.publish is not None
    assert bytes(command.publish.data) == text.encode()


def test_missing_data_is_told_apart_from_null() -> None:
    """Null is data."""
    with_null, without = decode('{"id":1,"publish":{"data":null}}\n{"id":2,"publish":{}}')

    assert bytes((with_null.publish or Publish()).data) == b"null"
    assert bytes((without.publish or Publish()).data) == b""


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        "[]",
        "null",
        "1",
        '"x"',
        "{",
        '{"id":1,"connect":{}',
        '{"id":1,"connect":{}}{"id":2,"ping":{}}',
        '{"id":"1","connect":{}}',
        '{"id":1,"connect":[]}',
        '{"id":1,"connect":{"token":5}}',
        '{"id":1,"subscribe":{"channel":null}}',
        '{"id":1,"subscribe":{"channel":"a","offset":"3"}}',
        '{"id":1,"subscribe":{"channel":"a","offset":1.5}}',
        '{"id":1,"history":{"channel":"a","limit":1e999}}',
        b'{"id":1,"connect":{"name":"\xff"}}',
        b'{"id":1,"publish":{"channel":"a","data":"\xff"}}',
        b'{"id":1,"publish":{"channel":"a","data":"\xed\xa0\x80"}}',
        b"\x00\x01",
        "[" * 10_000 + "]" * 10_000,
        '{"id":1,"publish":{"channel":"a","data":' + "[" * 10_000 + "]" * 10_000 + "}}",
        '{"id":1,"connect":' + '{"data":' * 10_000 + "{}" + "}" * 10_001,
    ],
)
def test_what_is_no_command_ends_the_connection(frame: str | bytes) -> None:
    """3501, whatever is wrong with it; bytes that are not UTF-8 reach nobody else."""
    with pytest.raises(DisconnectClient) as caught:
        decode(frame)

    assert caught.value.disconnect == BAD_REQUEST


@pytest.mark.parametrize("frame", ['{"id":1}', '{"id":1,"dance":{}}', '{"id":1,"ping":{},"connect":{}}'])
def test_command_names_one_method(frame: str) -> None:
    """None, an unknown one or two: 3501."""
    [command] = decode(frame)
    with pytest.raises(DisconnectClient) as caught:
        method_of(command)

    assert caught.value.disconnect == BAD_REQUEST


def test_commands_before_a_bad_line_are_carried_out() -> None:
    """They come out one by one."""
    commands = decode_frame('{"id":1,"ping":{}}\nnonsense')

    assert next(commands).id == 1
    with pytest.raises(DisconnectClient):
        next(commands)
