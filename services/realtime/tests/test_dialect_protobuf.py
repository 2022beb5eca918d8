"""Frames in Protobuf: what they say, and what is refused."""

from __future__ import annotations

import pytest

from tandem_realtime.protocol.codes import BAD_REQUEST, DisconnectClient
from tandem_realtime.protocol.commands import (
    Call,
    Command,
    Connect,
    Empty,
    History,
    InChannel,
    Publish,
    Refresh,
    Since,
    SubRefresh,
    SubscribeAt,
    method_of,
)
from tandem_realtime.protocol.dialects.protobuf import decode_frame
from tandem_realtime.protocol.filters import FilterNode
from tests.protobuf_frames import BYTES, END_GROUP, FIXED32, FIXED64, GROUP, field, message, tag, varint


def commands(frame: bytes | str) -> list[Command]:
    return list(decode_frame(frame))


def test_every_field_of_subscribe() -> None:
    """In its place."""
    node = field(1, "not") + field(6, field(2, "k") + field(3, "in") + field(5, "a") + field(5, "b"))
    request = b"".join(
        [
            *(field(1, "public:a"), field(2, "token"), field(3, 1), field(6, "e"), field(7, 2**53), field(8, b"{}")),
            *(field(9, 1), field(10, 1), field(11, 1), field(12, "fossil"), field(13, node), field(14, 3)),
            *(field(15, 1), field(16, 2), field(17, "c"), field(18, 4), field(19, 1)),
        ]
    )
    [command] = commands(message(field(1, 7), field(5, request)))
    said = command.subscribe

    assert (command.id, method_of(command)) == (7, "subscribe")
    assert (said.channel, said.token, said.recover, said.epoch, said.offset) == ("public:a", "token", True, "e", 2**53)
    assert (bytes(said.data), said.positioned, said.recoverable, said.join_leave) == (b"{}", True, True, True)
    assert (said.delta, said.flag) == ("fossil", 3)
    assert (said.type, said.phase, said.cursor, said.limit, said.asc) == (1, 2, "c", 4, True)
    assert said.tf == FilterNode(op="not", nodes=(FilterNode(key="k", cmp="in", vals=("a", "b")),))


def test_every_field_of_connect() -> None:
    """With where the client stands in the server's subscriptions; its headers and flags ask for nothing."""
    sub = field(1, "a:b") + field(2, field(3, 1) + field(6, "e") + field(7, 5))
    request = field(1, "t") + field(2, b"1") + field(3, sub) + field(4, "go") + field(5, "1.0") + field(7, 1)
    [command] = commands(message(field(1, 1), field(4, request)))
    said = command.connect

    assert (said.token, said.name, said.version, bytes(said.data)) == ("t", "go", "1.0", b"1")
    assert said.subs == {"a:b": SubscribeAt(True, "e", 5)}
    assert isinstance(said, Connect)


@pytest.mark.parametrize(
    ("number", "request_", "expected"),
    [
        (6, field(1, "c"), ("unsubscribe", InChannel("c"))),
        (8, field(1, "c"), ("presence", InChannel("c"))),
        (9, field(1, "c"), ("presence_stats", InChannel("c"))),
        (10, field(1, "c") + field(7, 2**64 - 1), ("history", History("c", -1))),
        (10, field(1, "c") + field(7, 5) + field(8, b"") + field(9, 1), ("history", History("c", 5, Since(), True))),
        (10, field(8, field(1, 4) + field(2, "e")), ("history", History(since=Since(4, "e")))),
        (11, b"", ("ping", Empty())),
        (14, field(1, "t"), ("refresh", Refresh("t"))),
        (15, field(1, "c") + field(2, "t"), ("sub_refresh", SubRefresh("c", "t"))),
        (
            15,
            field(3, 1) + field(4, b"") + field(5, "k"),
            ("sub_refresh", SubRefresh("", "", 1, [{}], ["k"])),
        ),
    ],
)
def test_every_method(number: int, request_: bytes, expected: tuple[str, object]) -> None:
    """Method and request."""
    [command] = commands(message(field(1, 1), field(number, request_)))
    method = method_of(command)

    assert (method, getattr(command, method)) == expected


def test_commands_with_data() -> None:
    """rpc, send and publish carry bytes; what is published has to be JSON."""
    call, sent, published, not_json = commands(
        message(field(1, 1), field(13, field(1, b"\xff") + field(2, "m")))
        + message(field(12, field(1, b"{}")))
        + message(field(1, 2), field(7, field(1, "c") + field(2, '{"ö": 1}')))
        + message(field(1, 3), field(7, field(1, "c") + field(2, b"\xff{")))
    )

    assert isinstance(call.rpc, Call)
    assert (call.rpc.method, bytes(call.rpc.data)) == ("m", b"\xff")
    assert bytes(sent.send.data) == b"{}"
    assert bytes(published.publish.data) == '{"ö": 1}'.encode()
    assert isinstance(not_json.publish, Publish)
    assert bytes(not_json.publish.data) == b""


def test_a_frame_holds_many_and_an_empty_one_is_the_pong() -> None:
    """In their order; a length may be written longer than it has to be."""
    first, pong, padded = commands(message(field(1, 1), field(11, b"")) + b"\0" + b"\x82\x80\0" + field(1, 3))

    assert (first.id, pong.is_pong, padded.id) == (1, True, 3)


@pytest.mark.parametrize(
    "extra",
    [
        field(999, "unknown"),
        tag(2000, FIXED32) + b"1234",
        tag(2000, FIXED64) + b"12345678",
        tag(70, GROUP) + field(1, 5) + tag(71, GROUP) + tag(71, END_GROUP) + tag(70, END_GROUP),
        field(4, 5),  # connect is a message, not a number
        tag(5, FIXED64) + b"12345678",
        field(2, 3),  # reserved
    ],
    ids=["bytes", "fixed32", "fixed64", "groups", "wrong type", "wrong fixed type", "reserved"],
)
def test_what_is_not_known_is_skipped(extra: bytes) -> None:
    """As Protobuf demands of a reader, a known number with another wire type included."""
    [command] = commands(message(extra, field(1, 9), field(6, field(1, "c")), extra))

    assert command == Command(9, unsubscribe=InChannel("c"))


def nested(levels: int) -> bytes:
    node = field(2, "k")
    for _ in range(levels):
        node = field(1, "not") + field(6, node)
    return message(field(1, 1), field(5, field(13, node)))


@pytest.mark.parametrize(
    "frame",
    [
        b"\x80",
        b"\x05",
        b"\x03\x08\x01",
        b"\xff" * 9 + b"\x01",
        b"\xff" * 10 + b"\x01",
        b"\x80" * 5000 + b"\0",
        varint(2**63) + b"\0",
        varint(2**32) + b"\0",
        message(b"\x08\xff"),
        message(b"\x08" + b"\xff" * 11),
        message(tag(5, BYTES) + varint(2**63) + b"x"),
        message(tag(5, BYTES) + b"\x05x"),
        message(tag(70, GROUP) + field(1, 5)),
        message(tag(70, END_GROUP)),
        message(tag(70, GROUP) * 5000),
        message(tag(0, BYTES) + b"\0"),
        message(b"\x0e\x01"),
        message(field(1, 1), field(6, field(1, b"\xff\xfe"))),
        message(field(1, 1), field(6, field(1, b"\xed\xa0\x80"))),
        nested(5000),
        b'{"id":1,"connect":{}}',
        b'{"id":1,"subscribe":{"channel":"public:a"}}\n{"id":2,"ping":{}}',
        b"{}",
        '{"id":1,"connect":{}}',
        "",
        "\0",
        bytes(range(1, 256)),
    ],
)
def test_what_is_refused(frame: bytes | str) -> None:
    """3501: cut varints, lengths that cannot be, groups without an end, text that is none, JSON, text frames."""
    with pytest.raises(DisconnectClient) as caught:
        commands(frame)

    assert caught.value.disconnect == BAD_REQUEST


def test_what_came_before_a_bad_message_is_carried_out() -> None:
    """As in JSON."""
    frame = decode_frame(message(field(1, 1), field(11, b"")) + b"\xff")

    assert next(frame).id == 1
    with pytest.raises(DisconnectClient):
        next(frame)


def test_two_requests_in_one_command_are_refused() -> None:
    """The definition has no rule which one would count."""
    [command] = commands(message(field(1, 1), field(6, field(1, "c")), field(11, b"")))
    with pytest.raises(DisconnectClient):
        method_of(command)


def test_64_kib() -> None:
    """A message of that size is read as any."""
    data = b'"' + b"x" * 65_400 + b'"'
    [command] = commands(message(field(1, 1), field(7, field(1, "c") + field(2, data))))

    assert bytes(command.publish.data) == data
