"""What a Protobuf client sends and reads, against the service's own schema."""

from __future__ import annotations

from loadgen import binary, messages
from loadgen.target import Target
from tandem.publication import Publication
from tandem_realtime.protocol import results
from tandem_realtime.protocol.codes import BY_SERVER, DENIED
from tandem_realtime.protocol.commands import Connect, Subscribe
from tandem_realtime.protocol.dialects import protobuf

STAMP = messages.MONOTONIC_BASE + 5


def only(payload: bytes) -> bytes:
    [message] = binary.split(payload)
    return message


def test_commands_are_read_by_the_service() -> None:
    """Connect, and subscribe with a position and without."""
    frame = binary.connect("t") + binary.subscribe("a") + binary.subscribe("b", epoch="e", offset=300)
    commands = list(protobuf.decode_frame(frame))

    assert commands[0].connect is not None
    assert commands[0].connect.token == Connect("t").token
    asked = [command.subscribe for command in commands[1:]]
    assert [(each.channel, each.recover, each.epoch, each.offset) for each in asked if isinstance(each, Subscribe)] == [
        ("a", False, "", 0),
        ("b", True, "e", 300),
    ]


def test_publication_is_read() -> None:
    """Stamp, number, offset, whatever else it has."""
    data = messages.body(STAMP, 7, 200)
    pushed = protobuf.push_publication(Publication("a", data, 1234, tags=b'{"k":"v"}'))

    assert binary.is_publication(only(pushed))
    assert binary.is_one_publication(pushed, bare=False)
    assert not binary.is_one_publication(pushed + pushed, bare=False)
    assert binary.read(only(pushed)) == messages.Seen(STAMP, 7, 1234)


def test_replies_are_read() -> None:
    """As JSON has them, as far as the generator reads them."""
    told = results.told([Publication("a", b"1", 6), Publication("a", b"1", 7)])
    answer = results.SubscribeResult(epoch="e", offset=7, recovered=True, publications=told)

    assert binary.is_ping(only(protobuf.PING))
    assert binary.reply(only(protobuf.encode_error(2, DENIED))) == {
        "error": {"code": 103, "message": "permission denied"}
    }
    assert binary.reply(only(protobuf.encode_reply(2, "subscribe", answer))) == {
        "subscribe": {"epoch": "e", "offset": 7, "recovered": True, "publications": [{"offset": 6}, {"offset": 7}]}
    }
    assert "unsubscribe" in binary.reply(only(protobuf.push_unsubscribe("a", BY_SERVER)))["push"]
    assert not binary.is_publication(only(protobuf.push_unsubscribe("a", BY_SERVER)))


def test_every_other_client_speaks_protobuf() -> None:
    """In a mixed crowd; the handshake names it."""
    target = Target("ws://h/ws/", dialect="mixed")

    assert [target.speech(index) for index in range(3)] == [messages, binary, messages]
    assert b"Sec-WebSocket-Protocol: centrifuge-protobuf\r\n" in target.opening(1, "a")
    assert b"Sec-WebSocket-Protocol" not in target.opening(0, "a")
