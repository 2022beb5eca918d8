"""What every HTTP transport does before it answers: methods, Origin, CORS (Fetch standard), bodies, errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from channels.consumer import AsyncConsumer

from tandem_realtime.consumers.refusals import WRONG_ORIGIN, origin_of, refused
from tandem_realtime.consumers.send_queue import Send
from tandem_realtime.origin import is_allowed
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import Error
from tandem_realtime.runtime import runtime

Headers = list[tuple[bytes, bytes]]

BINARY = b"application/octet-stream"
# no-transform: a proxy that compresses would hold events back.
ALWAYS: Headers = [(b"cache-control", b"no-store, no-transform"), (b"x-accel-buffering", b"no")]
PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"content-type, last-event-id"),
    (b"access-control-max-age", b"7200"),
]
STATUS = {
    codes.UNAUTHORIZED: 401,
    codes.DENIED: 403,
    codes.UNKNOWN_CHANNEL: 404,
    codes.LIMIT_EXCEEDED: 413,
    codes.INTERNAL: 503,
}


class TooLarge(Exception):
    """A body over the limit."""


class HttpConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """
    One request. Subclasses say which *method* they take and `answer` it.

    Like `WebSocketConsumer` it runs without what `AsyncConsumer` does for databases and channel names.
    """

    method: ClassVar[str] = "GET"

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """Answer the request."""
        self.scope = scope
        self.send = send
        self.cors = cors_headers(scope["headers"], runtime().options.allowed_origins)
        is_secure = scope.get("scheme") == "https"
        if not is_allowed(scope["headers"], runtime().options.allowed_origins, is_secure=is_secure):
            self.cors = []
            refused(scope, WRONG_ORIGIN, origin=origin_of(scope))
            await self.refuse(codes.DENIED)
        elif scope["method"] == "OPTIONS":
            await self.reply(204, headers=PREFLIGHT)
        elif scope["method"] != self.method:
            await self.reply(405, headers=[(b"allow", f"{self.method}, OPTIONS".encode())])
        else:
            self.query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            await self.answer(receive)

    @property
    def has_binary_body(self) -> bool:
        """Tell whether the body is said to be Protobuf."""
        content_type = next((value for name, value in self.scope["headers"] if name == b"content-type"), b"")
        return bool(content_type.split(b";")[0].strip().lower() == BINARY)

    async def answer(self, receive: Any) -> None:
        """Answer a request that may be answered."""
        raise NotImplementedError

    async def reply(self, status: int, body: bytes = b"", *, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send a whole response; a body is JSON."""
        kind = [(b"content-type", b"application/json")] if body else []
        await self.start(status, [*kind, *headers])
        await self.send({"type": "http.response.body", "body": body})

    async def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Send the head of a response."""
        every = [*ALWAYS, *self.cors, *headers]
        await self.send({"type": "http.response.start", "status": status, "headers": every})

    async def refuse(self, error: Error) -> None:
        """Answer with the status that fits *error*, and the error itself."""
        body = msgspec.json.encode({"code": error.code, "message": error.message})
        status = STATUS.get(error, 400)
        await self.reply(status, body, headers=[(b"retry-after", b"1")] if status == 503 else [])


def cors_headers(headers: Iterable[tuple[bytes, bytes]], allowed: Iterable[str]) -> Headers:
    """Let a page of another origin read the answer. Cookies play no part here, so they are not asked for."""
    origin = next((value for name, value in headers if name == b"origin"), None)
    if origin is None:
        return []
    if "*" in allowed:
        return [(b"access-control-allow-origin", b"*")]
    return [(b"access-control-allow-origin", origin), (b"vary", b"origin")]


async def read_body(receive: Any, limit: int) -> bytes:
    """Return the whole body of a request. Raises `TooLarge` when it has more than *limit* bytes."""
    body = bytearray()
    while True:
        event = await receive()
        body += event.get("body", b"")
        if len(body) > limit:
            raise TooLarge
        if event["type"] == "http.disconnect" or not event.get("more_body"):
            return bytes(body)
