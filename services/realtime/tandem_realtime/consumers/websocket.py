"""``/ws/``: the protocol over a WebSocket. ``/ws/uni/``: one-way, for a page without an SDK."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import AsyncConsumer

from tandem_realtime.consumers.one_way import read_address
from tandem_realtime.consumers.refusals import WRONG_ORIGIN, address_of, origin_of, refused
from tandem_realtime.consumers.send_queue import Send, SendQueue, limits_of
from tandem_realtime.origin import is_allowed
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import BAD_REQUEST, PERMISSION_DENIED, SLOW, Error
from tandem_realtime.protocol.dialects import json, protobuf
from tandem_realtime.protocol.encodings import LINES, MESSAGES, PLAIN_LINES, plain, spoken
from tandem_realtime.ration import Ration
from tandem_realtime.runtime import runtime
from tandem_realtime.session import Session
from tandem_realtime.session.following import follow

PROTOBUF = "centrifuge-protobuf"
SUBPROTOCOLS = (PROTOBUF, "centrifuge-json")
"""What may be agreed on at the handshake, in our order; a client that names none of them speaks JSON."""
DISCONNECTS = {
    codes.UNAUTHORIZED: codes.INVALID_TOKEN,
    codes.DENIED: PERMISSION_DENIED,
    codes.INTERNAL: codes.SERVER_ERROR,
}


def agreed_on(scope: dict[str, Any]) -> str | None:
    """Return the subprotocol that a client and we speak, None where it offers none that we do."""
    offered = scope.get("subprotocols") or ()
    return next((name for name in SUBPROTOCOLS if name in offered), None)


def is_welcome(scope: dict[str, Any]) -> bool:
    """Tell whether the page that connects may; one that may not is logged."""
    origins = runtime().options.allowed_origins
    if is_allowed(scope["headers"], origins, is_secure=scope.get("scheme") == "wss"):
        return True
    refused(scope, WRONG_ORIGIN, origin=origin_of(scope))
    return False


class WebSocketConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """
    A connection at ``/ws/``; our own server has a `line` in its place.

    It takes no channel name of its own and never touches a database, so it runs without what `AsyncConsumer` does for
    those: a subscription on the channel layer and a hop through a thread for each message.
    """

    is_plain = False

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        """Serve the connection until it ends."""
        self.scope = scope
        if (await receive())["type"] != "websocket.connect":
            return
        agreed = agreed_on(scope)
        await send({"type": "websocket.accept", "subprotocol": agreed})
        if not is_welcome(scope):
            await send({"type": "websocket.close", "code": PERMISSION_DENIED.code, "reason": PERMISSION_DENIED.reason})
            return
        is_binary = agreed == PROTOBUF and not self.is_plain
        socket = scope.get("extensions", {}).get("tandem.socket")
        if socket is not None:
            if is_binary:
                encoding = spoken(protobuf, socket.binary_frame)
            else:
                encoding = plain(socket.frame) if self.is_plain else spoken(json, socket.frame, socket.frame_head)
            address = address_of(scope)
            session = Session(
                runtime(), encoding, socket.write, socket.close, is_plain=self.is_plain, address=address, socket=socket
            )
            await self.serve(session, receive, socket.spend)
            return
        await self._serve_through(send, receive, is_binary=is_binary)

    async def serve(self, session: Session, receive: Any, spend: Callable[[], float]) -> None:
        """
        Hand the client's frames to its session: binary ones to one that speaks Protobuf, texts to any other.

        Those without a command are counted by *spend*, which returns for how many seconds to take no more.
        """
        kind = "bytes" if session.dialect is protobuf else "text"
        event: dict[str, Any] = {}
        try:
            while True:
                event = await receive()
                if event["type"] == "websocket.disconnect":
                    await session.take_turn()  # to forget a client with many channels takes its time, too
                    return
                frame = event.get(kind)
                if frame is None:
                    session.disconnect(BAD_REQUEST)
                elif not frame or frame.isspace():
                    await asyncio.sleep(spend())
                else:
                    await session.receive(frame)
        finally:
            _lost(session, event)

    async def _serve_through(self, send: Send, receive: Any, *, is_binary: bool) -> None:
        queue = SendQueue(send, limits_of(runtime().options), slow=lambda: session.disconnect(SLOW))

        def write_binary(messages: bytes) -> None:
            queue.put({"type": "websocket.send", "bytes": messages}, len(messages))

        def write(lines: bytes) -> None:
            for text in lines.split(b"\n")[:-1]:
                queue.put({"type": "websocket.send", "text": text.decode()}, len(text))

        def close(code: int, reason: str) -> None:
            queue.finish({"type": "websocket.close", "code": code, "reason": reason}, code=code)

        address = address_of(self.scope)
        if is_binary:
            session = Session(runtime(), MESSAGES, write_binary, close, address=address)
        else:
            encoding = PLAIN_LINES if self.is_plain else LINES
            session = Session(runtime(), encoding, write, close, is_plain=self.is_plain, address=address)
        sending, ration = asyncio.create_task(queue.run()), Ration()
        try:
            await self.serve(session, receive, lambda: ration.spend(time.monotonic()))
        finally:
            queue.free()
            sending.cancel()


class OneWayConsumer(WebSocketConsumer):
    """A connection at ``/ws/uni/?channel=...``: the publications of the named channels, one JSON object per frame."""

    is_plain = True

    async def serve(self, session: Session, receive: Any, spend: Callable[[], float]) -> None:
        """Subscribe to what the address names; what the client says is ignored, and read no faster than it must be."""
        query = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        event: dict[str, Any] = {}
        try:
            address = await read_address(self.scope, query)
            if isinstance(address, Error):
                session.close(*DISCONNECTS.get(address, BAD_REQUEST))
                session.connection_lost()  # not `disconnect`: the log has heard of it
            else:
                wanted, ticket = address
                if query.get("state", ["0"])[-1] not in ("", "0"):
                    session.hear_states(lambda state: session.encoding.wrap(b'{"state":"%s"}' % state.encode()))
                session.identify(ticket.claims)
                await follow(session, wanted)
            while (event := await receive())["type"] != "websocket.disconnect":
                await asyncio.sleep(spend())
        finally:
            _lost(session, event)


def _lost(session: Session, event: dict[str, Any]) -> None:
    """End *session* with what the last *event* of its socket says of the end."""
    session.connection_lost(event.get("code", 1006), event.get("reason") or "")
