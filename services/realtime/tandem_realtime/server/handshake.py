"""
The opening handshake: request head to ASGI scope, and the answers. No I/O here.

A head as clients send it is read by one expression; whatever is not like that `websockets` parses and judges.
"""

from __future__ import annotations

import email.utils
import functools
import http
import re
from binascii import b2a_base64
from collections.abc import Iterable
from hashlib import sha1
from typing import Any, NamedTuple
from urllib.parse import unquote

from websockets import http11
from websockets.datastructures import Headers
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

MAX_HEAD_BYTES = 32_768
END_OF_HEAD = b"\r\n\r\n"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_OURS = frozenset((b"upgrade", b"connection", b"date", b"sec-websocket-accept", b"sec-websocket-extensions"))
# No line of a head that is no longer can be over the limit that `websockets` has for one.
_USUAL_BYTES, _USUAL_HEADERS = 8_192, 100
_USUAL = re.compile(rb"GET ([!-~]+) HTTP/1\.1\r\n((?:[-!#$%&'*+.^_`|~0-9a-zA-Z]+:[\t -~\x80-\xff]*\r\n)+)\r\n")
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
# What must be there once if at all, and what has no place in a handshake.
_SINGLE = (b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version", b"origin")
_STRANGE = frozenset((b"transfer-encoding", b"content-length"))

Header = tuple[bytes, bytes]
"""Name, in lower case, and value."""


class Request(NamedTuple):
    """
    An upgrade request: its target (path and query) and its headers.

    Headers with an underscore are dropped, since a WSGI-minded proxy may have checked their twin with a dash
    (CVE-2015-0219).
    """

    target: bytes
    headers: list[Header]


class _Rules(ServerProtocol):
    """
    The rules of RFC 6455, but for the grammar of one header, with which the application is left to do as it likes.

    centrifuge-python up to 0.6 sends it empty, others end it with a comma, and every other server bears with that.
    """

    def process_subprotocol(self, headers: Headers) -> None:
        """Judge nothing: see `_subprotocols`."""


# It keeps no state of a handshake that matters after accept(), so one judges all of them.
_RULES = _Rules(max_size=None)


class BadHandshake(Exception):
    """The request cannot become a WebSocket; `response` says why to the client."""

    def __init__(self, response: bytes) -> None:
        super().__init__(response.partition(b"\r\n")[0].decode())
        self.response = response


def asks_for_websocket(head: bytes) -> bool:
    """Tell whether the complete *head* of a request has `Upgrade: websocket`; whether it is valid is not asked."""
    lowered = head.lower()
    start = lowered.find(b"\r\nupgrade:")
    return start >= 0 and lowered[start + 10 : lowered.index(b"\r\n", start + 10)].strip() == b"websocket"


def read_request(head: bytes) -> tuple[Request, bytes]:
    """Parse an upgrade request and return it with its `Sec-WebSocket-Accept`. Raises `BadHandshake`."""
    return _read_usual(head) or _read_any(head)


def _read_usual(head: bytes) -> tuple[Request, bytes] | None:
    """Do so for a request that has nothing about it to be judged, None for another."""
    if len(head) > _USUAL_BYTES or (match := _USUAL.fullmatch(head)) is None:
        return None
    target, lines = match.groups()
    headers = [_header(line) for line in lines.split(b"\r\n")[:-1]]
    found = dict(headers)
    if len(found) < len(headers):
        names = [name for name, _ in headers]
        if any(names.count(name) > 1 for name in _SINGLE):
            return None
    key = found.get(b"sec-websocket-key", b"")
    if (
        found.get(b"upgrade", b"").lower() != b"websocket"
        or found.get(b"connection", b"").lower() not in (b"upgrade", b"keep-alive, upgrade")
        or found.get(b"sec-websocket-version") != b"13"
        or not _KEY.fullmatch(key)
        or len(headers) > _USUAL_HEADERS
        or not _STRANGE.isdisjoint(found)
    ):
        return None
    accept = b2a_base64(sha1(key + _GUID).digest(), newline=False)
    return Request(target, _without_underscores(headers) if b"_" in lines else headers), accept


def _read_any(head: bytes) -> tuple[Request, bytes]:
    reader = StreamReader()
    reader.feed_data(head)
    reader.feed_eof()
    try:
        next(http11.Request.parse(reader.read_line))
    except StopIteration as done:
        request: http11.Request = done.value
    except Exception as error:  # the parser names more than ten; each is the client's fault
        raise BadHandshake(refusal(400, f"{error}\n")) from error
    response: http11.Response = _RULES.accept(request)
    if response.status_code != 101:
        raise BadHandshake(response.serialize())
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in request.headers.raw_items()]
    accept = response.headers["Sec-WebSocket-Accept"].encode()
    return Request(request.path.encode("ascii"), _without_underscores(headers)), accept


def _without_underscores(headers: list[Header]) -> list[Header]:
    return [header for header in headers if b"_" not in header[0]]


# A socket keeps its headers as long as it lives, and many clients send the same ones: keep one copy of each.
@functools.lru_cache(maxsize=2048)
def _header(line: bytes) -> Header:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip(b" \t")


def acceptance(accept: bytes, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the 101 response. Raises `ValueError` for a header that is the server's own, or that is not one line."""
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        accept,
    ]
    if subprotocol is not None:
        lines += (b"\r\nSec-WebSocket-Protocol: ", subprotocol.encode("ascii"))
    for name, value in headers:
        if name.lower() in _OURS or b"\n" in name + value or b"\r" in name + value:
            raise ValueError(f"header {name!r} cannot be set on a handshake")
        lines += (b"\r\n", name, b": ", value)
    lines.append(END_OF_HEAD)
    return b"".join(lines)


def refusal(status: int, text: str, *, retry_after: int | None = None) -> bytes:
    """Return a whole HTTP response that says no and ends the connection."""
    body = text.encode()
    retry = "" if retry_after is None else f"Retry-After: {retry_after}\r\n"
    return (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nDate: {email.utils.formatdate(usegmt=True)}\r\n"
        f"Connection: close\r\n{retry}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def build_scope(request: Request, *, client: list[Any] | None, root_path: str = "") -> dict[str, Any]:
    """Return the ASGI scope, as Daphne would make it, without `server`, for which the system has to be asked."""
    raw_path, _, query = origin_form(request.target).partition(b"?")
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "root_path": root_path,
        "query_string": query,
        "headers": request.headers,
        "client": client,
        "subprotocols": _subprotocols(request),
    }


def origin_form(target: bytes) -> bytes:
    """Return a request target without scheme and host, which a proxy may put there (RFC 9112, section 3.2.2)."""
    if target.startswith(b"/") or b"://" not in target:
        return target
    rest = target.partition(b"://")[2]
    start = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    return rest[start:] if rest[start:].startswith(b"/") else b"/" + rest[start:]


def _subprotocols(request: Request) -> list[str]:
    values = [value for name, value in request.headers if name == b"sec-websocket-protocol"]
    if not values:
        return []
    return [name.strip() for name in b",".join(values).decode("latin-1").split(",") if name.strip()]
