"""What travels inside the frames: stamped publications and the protocol's commands. No I/O here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

OPCODE = 0x1
SUBPROTOCOL = ""
PING = b"{}"
# A stamp has 19 digits in either clock: the wall clock has them, the monotonic clock gets them by this.
MONOTONIC_BASE = 10**18
MARK = b'"T1'
_OFFSET = re.compile(rb'"offset":\s*(\d+)')


class Seen(NamedTuple):
    """What a publication said of itself; `stamp` is None for one that no generator published."""

    stamp: int | None
    number: int
    offset: int


def body(stamp: int, number: int, size: int) -> bytes:
    """
    Return the data of publication *number*, meant to be sent at *stamp*: a JSON object of *size* bytes.

    The mark is found by searching the bytes, wherever a server's JSON encoder puts its spaces.
    """
    text = b'{"s":"T%019dN%010d","p":"' % (stamp, number)
    if (padding := size - len(text) - 2) < 0:
        raise ValueError(f"a publication of {size} bytes: expected at least {len(text) + 2}")
    return text + b"x" * padding + b'"}'


def read(line: bytes) -> Seen:
    """Find stamp, number and offset in the bytes of one publication; the offset is 0 where there is none."""
    found = _OFFSET.search(line)
    return stamp_of(line, int(found[1]) if found else 0)


def stamp_of(message: bytes, offset: int) -> Seen:
    """Find stamp and number in the bytes of a publication that has *offset*, in whatever dialect it is."""
    mark = message.find(MARK)
    if mark < 0:
        return Seen(None, 0, offset)
    return Seen(int(message[mark + 2 : mark + 21]), int(message[mark + 22 : mark + 32]), offset)


def split(payload: bytes) -> Iterator[bytes]:
    """Return the messages of a frame: its lines."""
    return iter([line for line in payload.split(b"\n") if line] if b"\n" in payload else [payload])


def is_ping(line: bytes) -> bool:
    """Tell whether *line* is the server's ping."""
    return line == PING


def reply(line: bytes) -> dict[str, Any]:
    """Return a reply."""
    found: dict[str, Any] = json.loads(line)
    return found


def is_publication(line: bytes) -> bool:
    """Tell whether *line* is a push that carries a publication."""
    return line.startswith(b'{"push"') and b'"pub":' in line


def is_one_publication(payload: bytes, *, bare: bool) -> bool:
    """Tell whether *payload* is one stamped publication and nothing else; *bare*: with no push around it."""
    return payload.count(MARK) == 1 and b"\n" not in payload and (bare or is_publication(payload))


def connect(token: str = "") -> bytes:
    """Return the connect command, id 1."""
    return _command(1, "connect", {"token": token} if token else {})


def subscribe(channel: str, *, epoch: str | None = None, offset: int = 0) -> bytes:
    """Return the subscribe command, id 2; it asks for recovery when an *epoch* is given."""
    body: dict[str, Any] = {"channel": channel}
    if epoch is not None:
        body |= {"recover": True, "epoch": epoch, "offset": offset}
    return _command(2, "subscribe", body)


def publish(number: int, channel: str, data: bytes) -> bytes:
    """Return a publish command; *data* is JSON already."""
    name = json.dumps(channel).encode()
    return b'{"id":%d,"publish":{"channel":%s,"data":%s}}' % (number, name, data)


def push(channel: str, data: bytes, offset: int) -> bytes:
    """Return the push of one publication, as a server of the protocol writes it."""
    return b'{"push":{"channel":"%s","pub":{"data":%s,"offset":%d}}}' % (channel.encode(), data, offset)


def _command(number: int, method: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"id": number, method: body}, separators=(",", ":")).encode()
