"""The opening handshake: request head to ASGI scope, and the answers. `websockets` parses and judges. No I/O here."""

from __future__ import annotations

import email.utils
import functools
import http
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

MAX_HEAD_BYTES = 32_768
END_OF_HEAD = b"\r\n\r\n"
_OURS = frozenset((b"upgrade", b"connection", b"date", b"sec-websocket-accept", b"sec-websocket-extensions"))


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


def read_request(head: bytes) -> tuple[Request, str]:
    """Parse an upgrade request and return it with its `Sec-WebSocket-Accept`. Raises `BadHandshake`."""
    reader = StreamReader()
    reader.feed_data(head)
    reader.feed_eof()
    try:
        next(Request.parse(reader.read_line))
    except StopIteration as done:
        request: Request = done.value
    except Exception as error:  # the parser names more than ten; each is the client's fault
        raise BadHandshake(refusal(400, f"{error}\n")) from error
    response: Response = _RULES.accept(request)
    if response.status_code != 101:
        raise BadHandshake(response.serialize())
    return request, response.headers["Sec-WebSocket-Accept"]


def acceptance(accept: str, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the 101 response. Raises `ValueError` for a header that is the server's own, or that is not one line."""
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        accept.encode(),
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


def build_scope(
    request: Request, *, client: list[Any] | None, server: list[Any] | None, root_path: str = ""
) -> dict[str, Any]:
    """
    Return the ASGI scope, as Daphne would make it.

    Headers with an underscore are dropped, since a WSGI-minded proxy may have checked their twin with a dash
    (CVE-2015-0219).
    """
    items = request.headers.raw_items()
    headers = [(_header_name(name), _header_value(value)) for name, value in items if "_" not in name]
    raw_path, _, query = origin_form(request.path.encode("ascii")).decode("ascii").partition("?")
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("ascii"),
        "root_path": root_path,
        "query_string": query.encode("ascii"),
        "headers": headers,
        "client": client,
        "server": server,
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
    values = request.headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


# A socket keeps its headers as long as it lives, and many clients send the same ones: keep one copy of each.
@functools.lru_cache(maxsize=512)
def _header_name(name: str) -> bytes:
    return name.lower().encode("ascii")


@functools.lru_cache(maxsize=2048)
def _header_value(value: str) -> bytes:
    return value.encode("latin-1")
