"""
Frames byte by byte, for the SDKs that cannot run here: Swift, Dart and C#.

Spelled by hand from the protocol's public definition and from what those SDKs' public sources set: Swift and C# leave
zero values out, Dart writes what it has set even where it is zero. Nothing here comes from our own schema.
"""

from __future__ import annotations

import asyncio

import pytest
from msgspec import Raw

from tandem.publication import Publication
from tandem_realtime.protocol.codes import DENIED, INTERNAL, SLOW, STATE_LOST
from tandem_realtime.protocol.commands import Command, Empty, InChannel, Publish, method_of
from tandem_realtime.protocol.dialects import protobuf
from tandem_realtime.protocol.encodings import MESSAGES
from tandem_realtime.protocol.results import (
    ConnectResult,
    HistoryResult,
    PresenceResult,
    PresenceStats,
    SubRefreshResult,
    SubscribeResult,
    told,
)
from tandem_realtime.runtime import Runtime
from tandem_realtime.session import Session
from tests.session_clients import SECONDS


def spell(*parts: int | bytes | str) -> bytes:
    """Put a frame together: numbers are bytes."""
    return b"".join(
        bytes([part]) if isinstance(part, int) else part.encode() if isinstance(part, str) else part for part in parts
    )


def only(frame: bytes) -> Command:
    [command] = protobuf.decode_frame(frame)
    return command


# What each begins with: id 1, connect (field 4) with token (1), name (4) and version (5).
CONNECTS = {
    "swift": spell(14, 0x08, 1, 0x22, 10, 0x0A, 1, "t", 0x22, 5, "swift"),
    "csharp": spell(15, 0x08, 1, 0x22, 11, 0x0A, 1, "t", 0x22, 6, "csharp"),
    "dart": spell(15, 0x08, 1, 0x22, 11, 0x0A, 1, "t", 0x22, 4, "dart", 0x2A, 0),
}

# The same without a token.
GUESTS = {
    "swift": spell(11, 0x08, 1, 0x22, 7, 0x22, 5, "swift"),
    "csharp": spell(12, 0x08, 1, 0x22, 8, 0x22, 6, "csharp"),
    "dart": spell(14, 0x08, 1, 0x22, 10, 0x0A, 0, 0x22, 4, "dart", 0x2A, 0),
}

# id 2, subscribe (field 5): channel (1), recover (3), epoch (6), offset (7), flag (14); Dart's with all it sets.
SUBSCRIBES = {
    "swift": spell(23, 0x08, 2, 0x2A, 19, 0x0A, 8, "public:a", 0x18, 1, 0x32, 1, "e", 0x38, 3, 0x70, 1),
    "csharp": spell(31, 0x08, 2, 0x2A, 27, 0x0A, 8, "public:a", 0x18, 1, 0x32, 1, "e", 0x38, 3)
    + spell(0x62, 6, "fossil", 0x70, 1),
    "dart": spell(27, 0x08, 2, 0x2A, 23, 0x0A, 8, "public:a", 0x18, 1, 0x32, 1, "e", 0x38, 3)
    + spell(0x48, 0, 0x50, 0, 0x58, 0),
}


@pytest.mark.parametrize("sdk", CONNECTS)
def test_connect(sdk: str) -> None:
    """Token and name."""
    command = only(CONNECTS[sdk])

    assert (command.id, method_of(command)) == (1, "connect")
    assert command.connect is not None
    assert (command.connect.token, command.connect.name, command.connect.version) == ("t", sdk, "")


@pytest.mark.parametrize("sdk", SUBSCRIBES)
def test_subscribe(sdk: str) -> None:
    """With a position to recover from."""
    asked = only(SUBSCRIBES[sdk]).subscribe

    assert asked is not None
    assert (asked.channel, asked.recover, asked.epoch, asked.offset) == ("public:a", True, "e", 3)
    assert (asked.positioned, asked.recoverable, asked.join_leave) == (False, False, False)
    assert (asked.delta, asked.flag) == ("fossil" if sdk == "csharp" else "", 0 if sdk == "dart" else 1)


def test_other_commands() -> None:
    """Unsubscribe, publish, history, presence, refresh, sub_refresh, and the pong."""
    unsubscribe = only(spell(7, 0x08, 3, 0x32, 3, 0x0A, 1, "c"))
    publish = only(spell(12, 0x08, 4, 0x3A, 8, 0x0A, 1, "c", 0x12, 3, "[1]"))
    # Dart's history without a limit: all it sets is zero.
    history = only(spell(11, 0x08, 5, 0x52, 7, 0x0A, 1, "c", 0x38, 0, 0x48, 0))
    since = only(spell(16, 0x08, 5, 0x52, 12, 0x0A, 1, "c", 0x38, 5, 0x42, 5, 0x08, 7, 0x12, 1, "e"))
    presence, stats = (only(spell(7, 0x08, 6, field, 3, 0x0A, 1, "c")) for field in (0x42, 0x4A))
    refresh = only(spell(7, 0x08, 8, 0x72, 3, 0x0A, 1, "t"))
    sub_refresh = only(spell(10, 0x08, 9, 0x7A, 6, 0x0A, 1, "c", 0x12, 1, "t"))

    assert unsubscribe == Command(3, unsubscribe=InChannel("c"))
    assert isinstance(publish.publish, Publish)
    assert bytes(publish.publish.data) == b"[1]"
    assert history.history is not None
    assert (history.history.channel, history.history.limit, history.history.since) == ("c", 0, None)
    assert since.history is not None
    assert since.history.since is not None
    assert (since.history.limit, since.history.since.offset, since.history.since.epoch) == (5, 7, "e")
    assert presence == Command(6, presence=InChannel("c"))
    assert stats == Command(6, presence_stats=InChannel("c"))
    assert refresh.refresh is not None
    assert refresh.refresh.token == "t"
    assert sub_refresh.sub_refresh is not None
    assert (sub_refresh.sub_refresh.channel, sub_refresh.sub_refresh.token) == ("c", "t")
    assert only(b"\0").is_pong


INFO = b'{"user":"7","client":"id","conn_info":{"a":1}}'
INFO_BYTES = spell(0x0A, 1, "7", 0x12, 2, "id", 0x1A, 7, '{"a":1}')
PUB = Publication("c", b"[1]", 300, "e", b'{"k":"v"}', INFO)
PUB_BYTES = spell(0x22, 3, "[1]", 0x2A, 16, INFO_BYTES, 0x30, 0xAC, 2, 0x3A, 6, 0x0A, 1, "k", 0x12, 1, "v")


def test_answers() -> None:
    """Each result in its field of the reply, zero values left out."""
    subscribed = SubscribeResult(True, True, "e", 3, True, True, delta=True, publications=told([PUB]))
    body = spell(0x18, 1, 0x32, 1, "e", 0x3A, 34, PUB_BYTES, 0x40, 1, 0x48, 3, 0x50, 1, 0x60, 1, 0x68, 1)
    connected = ConnectResult("id", "v", 25, True, 9, expires=True, ttl=60, subs={"c": SubscribeResult(epoch="e")})
    connect = spell(0x0A, 2, "id", 0x12, 1, "v", 0x18, 1, 0x20, 60, 0x32, 8, 0x0A, 1, "c", 0x12, 3, 0x32, 1, "e")
    connect += spell(0x38, 25, 0x40, 1, 0x58, 9)

    assert protobuf.encode_reply(2, "subscribe", subscribed) == spell(55, 0x08, 2, 0x32, 51, body)
    assert protobuf.encode_reply(1, "connect", connected) == spell(
        len(connect) + 4, 0x08, 1, 0x2A, len(connect), connect
    )
    assert protobuf.encode_reply(3, "unsubscribe", Empty()) == spell(4, 0x08, 3, 0x3A, 0)
    assert protobuf.encode_reply(4, "publish", Empty()) == spell(4, 0x08, 4, 0x42, 0)
    present = PresenceResult({"id": Raw(INFO)})
    assert protobuf.encode_reply(5, "presence", present) == spell(
        28, 0x08, 5, 0x4A, 24, 0x0A, 22, 0x0A, 2, "id", 0x12, 16, INFO_BYTES
    )
    assert protobuf.encode_reply(6, "presence_stats", PresenceStats(2, 1)) == spell(
        8, 0x08, 6, 0x52, 4, 0x08, 2, 0x10, 1
    )
    history = HistoryResult("e", 3, told([PUB]))
    assert protobuf.encode_reply(7, "history", history) == spell(
        45, 0x08, 7, 0x5A, 41, 0x0A, 34, PUB_BYTES, 0x12, 1, "e", 0x18, 3
    )
    assert protobuf.encode_reply(8, "sub_refresh", SubRefreshResult(True, 60)) == spell(
        8, 0x08, 8, 0x7A, 4, 0x08, 1, 0x10, 60
    )


def test_errors() -> None:
    """Code, message, and whether another try is worth it."""
    assert protobuf.encode_error(2, DENIED) == spell(25, 0x08, 2, 0x12, 21, 0x08, 103, 0x12, 17, "permission denied")
    assert protobuf.encode_error(2, INTERNAL) == spell(31, 0x08, 2, 0x12, 27, 0x08, 100, 0x12, 21) + spell(
        "internal server error", 0x18, 1
    )


def test_pushes() -> None:
    """Each in its field of the push; the ping is an empty reply."""
    assert protobuf.PING == b"\0"
    assert protobuf.push_publication(PUB) == spell(41, 0x22, 39, 0x12, 1, "c", 0x22, 34, PUB_BYTES)
    delta = protobuf.push_delta(Publication("c", b"[1]", 6), b"D")
    assert delta == spell(14, 0x22, 12, 0x12, 1, "c", 0x22, 7, 0x22, 1, "D", 0x30, 6, 0x40, 1)
    for kind, field in (("join", 0x2A), ("leave", 0x32)):
        pushed = protobuf.push_membership(kind, "c", INFO)
        assert pushed == spell(25, 0x22, 23, 0x12, 1, "c", field, 18, 0x0A, 16, INFO_BYTES)
    ended = spell(0x10, 0xC4, 0x13, 0x1A, 18, "insufficient state")
    assert protobuf.push_unsubscribe("c", STATE_LOST) == spell(30, 0x22, 28, 0x12, 1, "c", 0x3A, 23, ended)
    given = protobuf.push_subscribe("c", SubscribeResult(True, True, "e", 3))
    assert given == spell(16, 0x22, 14, 0x12, 1, "c", 0x4A, 9, 0x08, 1, 0x22, 1, "e", 0x28, 3, 0x30, 1)
    assert protobuf.push_message(b"[1]") == spell(9, 0x22, 7, 0x42, 5, 0x0A, 3, "[1]")
    assert protobuf.push_refresh(60) == spell(8, 0x22, 6, 0x62, 4, 0x08, 1, 0x10, 60)
    assert protobuf.push_refresh(0) == spell(4, 0x22, 2, 0x62, 0)
    assert protobuf.push_disconnect(SLOW) == spell(13, 0x22, 11, 0x5A, 9, 0x08, 0xC0, 0x17, 0x12, 4, "slow")


@pytest.mark.parametrize("sdk", CONNECTS)
async def test_exchange(runtime: Runtime, sdk: str) -> None:
    """Connected as a guest, subscribed to a position of another epoch, and told that it was not recovered."""
    writes: list[bytes] = []
    session = Session(runtime, MESSAGES, writes.append, lambda code, reason: None)
    await session.receive(GUESTS[sdk])
    await session.receive(SUBSCRIBES[sdk])
    async with asyncio.timeout(SECONDS):
        while len(writes) < 2:
            await asyncio.sleep(0.002)
    session.connection_lost()

    # The client's id is not ours to spell: 36 characters after the two bytes that announce them.
    assert writes[0][1:6] == spell(0x08, 1, 0x2A, writes[0][0] - 4, 0x0A)
    # Answer (field 6) with was_recovering (12), and no recovered (8).
    assert writes[1][1:4] == spell(0x08, 2, 0x32)
    assert spell(0x60, 1) in writes[1]
    assert spell(0x40, 1) not in writes[1]
