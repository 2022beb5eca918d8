"""One WebSocket: between its wire and its ASGI application."""

from __future__ import annotations

import asyncio
import enum
import http
import logging
from collections.abc import Iterable, Sequence
from functools import partial
from socket import SocketType
from typing import Any

from tandem_realtime.ration import FREE_BYTES

from .closing import words_for
from .connections import Connections, Line, No
from .frames import binary_frame, close_frame, echo_frame, pong_frame, text_frame, text_head
from .handshake import acceptance, refusal
from .inbox import Inbox
from .messages import Closed, Event, Failed, Part, Ping
from .paced import PacedWire
from .pieces import Pieces

logger = logging.getLogger(__name__)
# With this many messages that the application has not asked for yet, the client has to wait.
_MAX_WAITING_MESSAGES = 64


class State(enum.Enum):
    """Where a socket stands."""

    CONNECTING = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    CLOSED = enum.auto()


CONNECTING, OPEN, CLOSING, CLOSED = State


class WebSocket(PacedWire):
    """
    Serve one upgraded connection; to the application this is also the extension `tandem.socket`.

    `is_open` between accept and close; `path`, `opened_at` (of the loop's clock) and `buffered` are for the metrics;
    `application` is its task while that runs. Where the server has a `line` for its path, there is none.
    """

    __slots__ = (
        "_accept",
        "_early",
        "_inbox",
        "_rotation",
        "_state",
        "application",
        "is_open",
        "line",
        "opened_at",
        "path",
        "site",
    )
    kind = "websocket"
    frame = staticmethod(text_frame)
    frame_head = staticmethod(text_head)
    binary_frame = staticmethod(binary_frame)

    def __init__(self, server: Connections, sock: SocketType) -> None:
        super().__init__(server, sock)
        self._state = CONNECTING
        self._accept = b""
        self._early: bytes | None = None
        self._inbox: Inbox | None = None
        self._rotation: asyncio.TimerHandle | None = None
        self.application: asyncio.Task[None] | None = None
        self.line: Line | None = None
        self.is_open = False
        self.opened_at = server.loop.time()
        self.path = ""
        self.site = ""

    def __repr__(self) -> str:
        return f"<WebSocket {self.path} {self._state.name}>"

    # The extension

    def write(self, frames: bytes) -> None:
        """Send whole prepared frames, after everything sent before; a no-op on a closed socket."""
        if self.is_open:
            self.put(frames)

    def write_pieces(self, frames: Sequence[bytes]) -> None:
        """Do the same with whole frames in pieces, which are not copied together."""
        if self.is_open:
            self.put_pieces(Pieces(frames))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """
        Send a close frame after what was written; before the accept, refuse the handshake with 503.

        Does nothing on a socket that is closing or closed. Raises `ValueError` for a code that must not be sent.
        """
        if self._state is CONNECTING:
            self.refuse(503, f"{reason}\n", because="draining", retry_after=1)
        elif self._state is OPEN:
            self._start_closing(close_frame(code, reason), code, reason)

    def send_away(self, code: int, reason: str) -> None:
        """Close a socket whose client is to come back, in words that it knows."""
        self.close(*words_for(self.path, (code, reason)))

    # Towards the application

    def start(self, scope: dict[str, Any], accept: bytes, early: bytes) -> None:
        """Serve a handshake that is valid; *early* is what came behind its head."""
        self.path = scope["path"]
        self._accept = accept
        self._early = early or None
        self._server.log_socket("connecting", scope)
        if (open_line := self._server.lines.get(self.path)) is None:
            self._start_application(scope)
            return
        try:
            open_line(scope, self)
        except Exception as error:  # a bug of ours; whatever it is, the client gets an answer
            self.fail(error)
        self._read_early()

    def _start_application(self, scope: dict[str, Any]) -> None:
        if self._early is not None:
            self.stop_reading()
        self._server.handshaking.add(self)
        self._inbox = Inbox(self._loop, self._read_on)
        scope["server"] = list(self._socket.getsockname()[:2]) if scope["client"] else None
        scope["extensions"] = {"tandem.socket": self, "websocket.http.response": {}}
        try:
            application = self._server.application(scope, self._inbox.receive, self.send)
        except Exception as error:  # it is the application's; whatever it is, the client gets an answer
            self.fail(error)
            return
        self._inbox.put({"type": "websocket.connect"})
        self.application = self._loop.create_task(application, name="websocket")
        self.application.add_done_callback(self._on_application_done)

    async def send(self, message: dict[str, Any]) -> None:
        """Take an event of the application, as ASGI has it; ignored once the socket is closing, as Daphne does."""
        match message["type"]:
            case "websocket.send":
                self._send_message(message)
            case "websocket.close" if self._state is CONNECTING:
                self.refuse(403, "Access denied\n", because="denied")
            case "websocket.close":
                self.close(message.get("code") or 1000, message.get("reason") or "")
            case "websocket.accept":
                self.accept(message.get("subprotocol"), message.get("headers") or ())
                self._read_early()
            case "websocket.http.response.start" if self._state is CONNECTING:
                status = http.HTTPStatus(message["status"])
                self.refuse(status, f"{status.phrase}\n", because="denied")
            case "websocket.http.response.start" | "websocket.http.response.body":
                pass  # the body is the server's own: a sentence
            case other:
                raise ValueError(f"a WebSocket cannot send {other!r}")

    def _send_message(self, message: dict[str, Any]) -> None:
        if self._state is CONNECTING:
            raise ValueError("Socket has not been accepted, so cannot send over it")
        match message.get("text"), message.get("bytes"):
            case str() as text, None:
                self.write(text_frame(text.encode()))
            case None, bytes() | bytearray() | memoryview() as payload:
                self.write(binary_frame(bytes(payload)))
            case _:
                raise ValueError("websocket.send needs either text or bytes")

    def accept(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Answer the handshake with yes; a no-op later on."""
        if self._state is not CONNECTING:
            return
        response = acceptance(self._accept, subprotocol, headers)
        self._accept = b""
        self._state = OPEN
        self.is_open = True
        self._server.on_open(self)
        self._rotation = self._server.schedule_rotation(self)
        self.put(response)

    def _read_early(self) -> None:
        """Read, and first what came before the accept."""
        early, self._early = self._early, None
        if early is not None and self.is_open:
            self.start_reading()
            self.received(early)

    def _tell_message(self, message: str | bytes) -> None:
        if self.line is None:
            self._tell({"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message})
            return
        try:
            self.line.receive(message)
        except Exception as error:  # a bug of ours; whatever it is, the client gets an answer
            self.fail(error)

    def _tell(self, event: dict[str, Any]) -> None:
        if self.application is not None and self._inbox is not None:
            self._inbox.put(event)
            if self.is_full:
                self.stop_reading()

    @property
    def is_full(self) -> bool:
        """Tell whether the application has so much to read that nothing is read for it."""
        if self._state is not OPEN:
            return False
        if self.line is not None:
            return self.line.is_full
        return self._inbox is not None and len(self._inbox) >= _MAX_WAITING_MESSAGES

    @property
    def is_closing(self) -> bool:
        """Tell whether the client was told that this is the end."""
        return self._state is CLOSING

    @property
    def is_silent(self) -> bool:
        """Tell whether no frame can come: it has not begun, or it is over."""
        return self._state in (CONNECTING, CLOSED)

    def _read_on(self) -> None:
        if self._state is OPEN:
            self.read_on()

    def _tell_disconnect(self, code: int, reason: str = "") -> None:
        if self.line is not None:  # not now: it may be in the middle of something; and to forget much takes its time
            self._server.surplus.add(partial(self._end_line, self.line, code, reason))
        elif self.application is not None:
            self._tell({"type": "websocket.disconnect", "code": code, "reason": reason})
            self._server.ending.add(self)

    def _end_line(self, line: Line, code: int, reason: str) -> None:
        try:
            line.lost(code, reason)
        finally:
            self.line = None
            if self._state is CLOSED:
                self._server.on_gone(self)

    def _on_application_done(self, task: asyncio.Task[None]) -> None:
        self.application = self._inbox = None
        self._server.ending.discard(self)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.fail(error)
        elif self._state is CONNECTING:
            self.refuse(500, "The application neither accepted nor closed\n", because="error")
        else:
            self.close()
        if self._state is CLOSED:
            self._server.on_gone(self)

    def fail(self, error: BaseException) -> None:
        """Log what went wrong with whoever serves this socket, and make an end."""
        logger.error("Exception inside application: %s", error, exc_info=error)
        if self._state is CONNECTING:
            self.refuse(500, "Internal server error\n", because="error")
        else:
            self.close(3004, "internal server error")

    # Towards the client

    def received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._state is CONNECTING:
            # Too early by RFC 6455, but not worth a failure: it waits for the accept.
            self._early = data
            self.stop_reading()
            return
        self.read_frames(data)

    def take(self, event: Event | Part) -> None:
        """Take what one frame brings."""
        match event:
            case str() | bytes():
                if self.is_open:
                    self._tell_message(event)
            case Part(size):
                if size < FREE_BYTES:
                    self.spend()
            case Ping(payload):
                self.write(pong_frame(payload))
                self.spend()
            case Closed(code, reason, payload):
                if self._state is OPEN:
                    self._start_closing(echo_frame(payload), code, reason)
                self.is_deaf = True
                self.end()
            case Failed(code, reason):
                if code == 1009:
                    code, reason = self._server.limits.oversize_code, self._server.limits.oversize_reason
                self.close(code, reason)
                self.is_deaf = True
                self.end()

    def refuse(self, status: int, text: str, *, because: str, retry_after: int | None = None) -> None:
        """Answer the handshake with an HTTP error, counted under *because*."""
        self.refuse_with(refusal(status, text, retry_after=retry_after), because=because)

    def refuse_for(self, no: No, address: str) -> None:
        """Answer the handshake with what `Connections` says of it."""
        self._server.refused(no, address)
        self.refuse(no.status, no.text, because="", retry_after=no.retry_after)

    def refuse_with(self, response: bytes, *, because: str) -> None:
        """Answer the handshake with *response*, counted under *because* unless it was counted already."""
        if because:
            self._counters.rejected[because] += 1
        self._leave(CLOSING)
        self.is_deaf = True
        self.put(response)
        self._tell_disconnect(1006)
        self._server.lingering.add(self)
        self.end()
        self.hold(0)

    def _start_closing(self, frame: bytes, code: int, reason: str) -> None:
        self._leave(CLOSING)
        self._counters.closed[code] += 1
        self._server.lingering.add(self)
        self._tell_disconnect(code, reason)
        self.put(frame)
        self.hold(0)

    def _leave(self, state: State) -> None:
        """Go on to *state*, a later one, with nothing left behind that belongs to an open socket."""
        if self.is_open:
            self._counters.ages.observe(self._loop.time() - self.opened_at)
        self.is_open = False
        self._state = state
        self._early = None
        self._server.handshaking.discard(self)
        if self._rotation is not None:
            self._rotation.cancel()
            self._rotation = None

    def flooded(self) -> None:
        """Close a socket that sends on and on what says nothing."""
        self.close(*words_for(self.path, (3013, "too many requests"), elsewhere=(1008, "too many frames")))

    def overflowed(self) -> None:
        """
        Close a socket whose client does not read: 3008, and what waits for it is dropped.

        Where the rest of one frame is too much already, or the close was told before, the connection is cut.
        """
        if is_first := self.is_open:
            self._counters.slow += 1
            self.forget_unsent()
            self.close(3008, "slow")
        if self.excess > 0 or not is_first:
            self.lost()

    def lost(self) -> None:
        """Take note that the connection is gone."""
        if self._state is CLOSED:
            return
        before = self._state
        self._leave(CLOSED)
        self.release()
        self._server.lingering.discard(self)
        if before is CONNECTING:
            self._counters.rejected["gone"] += 1
        elif before is OPEN:
            self._counters.closed[1006] += 1
        if before is not CLOSING:
            self._tell_disconnect(1006)
        if self.application is None and self.line is None:
            self._server.on_gone(self)

    def time_out(self) -> None:
        """End a handshake that the application has not answered, or a client that does not finish closing."""
        if self._state is CONNECTING:
            self.refuse(503, "The application did not answer in time\n", because="timeout", retry_after=1)
        else:
            self.reset_unless_taken()
            self.lost()
