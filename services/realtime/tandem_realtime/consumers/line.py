"""``/ws/`` on our own server: the frames of a socket go to its session, with no application between the two."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from tandem_realtime.consumers.refusals import address_of
from tandem_realtime.consumers.websocket import PROTOBUF, agreed_on, is_welcome
from tandem_realtime.eager import begin
from tandem_realtime.protocol.codes import BAD_REQUEST, PERMISSION_DENIED
from tandem_realtime.protocol.dialects import json, protobuf
from tandem_realtime.protocol.encodings import spoken
from tandem_realtime.runtime import runtime
from tandem_realtime.session import Session

if TYPE_CHECKING:
    from tandem_realtime.server.websocket import WebSocket

MAX_WAITING_FRAMES = 64
"""With so many that wait for what came before them, the client has to wait."""


def open_line(scope: dict[str, Any], socket: WebSocket) -> None:
    """Accept a connection at ``/ws/``, and have what its client sends heard by a session."""
    agreed = agreed_on(scope)
    socket.accept(agreed)
    if not is_welcome(scope):
        socket.close(PERMISSION_DENIED.code, PERMISSION_DENIED.reason)
        return
    is_binary = agreed == PROTOBUF
    encoding = spoken(protobuf, socket.binary_frame) if is_binary else spoken(json, socket.frame, socket.frame_head)
    session = Session(runtime(), encoding, socket.write, socket.close, address=address_of(scope), socket=socket)
    socket.line = Line(socket, session, bytes if is_binary else str)


LINES = {"/ws": open_line, "/ws/": open_line}


class Line:
    """What the session of one *socket* hears of it: its frames, which are of one *kind*, and its end."""

    __slots__ = ("_kind", "_session", "_socket")

    def __init__(self, socket: WebSocket, session: Session, kind: type) -> None:
        self._socket = socket
        self._session = session
        self._kind = kind

    def receive(self, frame: str | bytes) -> None:
        """Have a frame carried out, at once where nothing has to be waited for."""
        if type(frame) is not self._kind:
            self._session.disconnect(BAD_REQUEST)
        elif not frame or frame.isspace():
            self._socket.spend()
        elif (rest := begin(self._session.receive(frame))) is not None:
            self._session.spawn(self._go_on(rest))
        elif self.is_full:
            self._socket.stop_reading()

    @property
    def is_full(self) -> bool:
        """Tell whether so much waits that nothing more should be read."""
        return self._session.waiting_frames >= MAX_WAITING_FRAMES

    def lost(self, code: int, reason: str) -> None:
        """Take note that the connection has ended."""
        self._session.connection_lost(code, reason)

    async def _go_on(self, rest: Coroutine[Any, Any, None]) -> None:
        try:
            await rest
        except Exception as error:  # a bug of ours; whatever it is, the client gets an answer
            self._socket.fail(error)
        finally:
            self._socket.read_on()
