"""
One connection of Twisted's HTTP: how long a request may take to arrive, and how long its body may be; how long the
connection stays when it is answered, and what of the answers its client has not taken.
"""

from __future__ import annotations

import asyncio
import http
from typing import Any

from twisted.web import http as twisted_http

from tandem_realtime.endpoints import is_ours, takes_body

from .connections import Connections
from .handshake import origin_form, refusal

# The body of a command is JSON text inside JSON text. What is larger than this was never one.
_MESSAGES_PER_BODY = 4
# A body for the pages that is sent more slowly than this, for as long as a handshake may take, is not meant to arrive.
_LEAST_BYTES_PER_DEADLINE = 16_384
# Hanging up on who is still sending resets the connection, and with it goes the answer that he has not read. So what he
# had under way is taken and thrown away first: this much of it, as long as he may take to close.
_LINGER_BYTES = 2 * 2**20


_HTTPChannel: Any = twisted_http.HTTPChannel  # half of it has types, and some of them are wrong


class Channel(_HTTPChannel):  # type: ignore[misc]  # see above
    """
    Read requests, and stop reading where nobody wants what comes.

    `room` is what the body of the present request may still take. It is asked before a body is read, so that a client
    that waits to be told to continue never sends one.
    """

    room = 0
    _arrived = 0
    _path: bytes
    _is_refused = False
    _thrown_away = 0
    _said = 0
    _taken_before = 0
    _site = ""
    _is_closing = False
    _has_room: asyncio.Future[None] | None = None

    @property
    def server(self) -> Connections:
        """What every connection of the process shares."""
        server: Connections = self.factory.server
        return server

    def dataReceived(self, data: bytes) -> None:
        """Take bytes of a request, whose time runs from the first one on."""
        if self._is_refused:
            self._throw_away(len(data))
            return
        if not self._handlingRequest:
            self._arrived += len(data)
            self._be_busy()
            self.server.arriving.add(self)
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        """Go on to the body, if there is one that somebody wants."""
        self._path = origin_form(self._path)
        self.room = self._room_for(self._path)
        if (self.length or 0) > self.room or (self.length is None and not self.room):
            self.refuse(413)
            return
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        """Answer a request that is whole."""
        self.server.arriving.discard(self)
        self._arrived = 0
        super().allContentReceived()

    def lineReceived(self, line: bytes) -> None:
        """Take a line of a head, unless what it belongs to has been answered."""
        if not self._is_refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        """Take a part of a body, unless what it belongs to has been answered."""
        if not self._is_refused:
            super().rawDataReceived(data)

    def connectionLost(self, reason: Any) -> None:
        """Forget the connection."""
        self.forget()
        self._let_go_on()
        super().connectionLost(reason)
        self._let_go()

    def forget(self) -> None:
        """Count the connection as none of HTTP's: it is lost, or becomes a WebSocket's."""
        self._be_busy()
        self.server.arriving.discard(self)
        self.server.lingering.discard(self)
        self.server.backlog.discard(self)

    def refuse(self, status: int) -> None:
        """Answer with an error, take nothing more, and hang up when the answer can have been read."""
        self.server.counters.rejected["timeout" if status == 408 else "malformed"] += 1
        self.server.arriving.discard(self)
        self._is_refused = True
        self.length = None  # whoever called us goes on to no answer
        self.transport.write(refusal(status, f"{http.HTTPStatus(status).phrase}\n"))
        self.transport.loseWriteConnection()
        self.server.lingering.add(self)

    def time_out(self) -> None:
        """End a request that does not come, or one that was refused; a large body that goes on coming has more time."""
        if self._is_refused:
            self.loseConnection()
        elif self.room > self.server.limits.max_message_bytes and self._arrived >= _LEAST_BYTES_PER_DEADLINE:
            self._arrived = 0
            self.server.arriving.add(self)
        elif self.requests:
            self.refuse(408)
        else:
            self.loseConnection()

    # Between two requests, and after the last

    def requestDone(self, request: Any) -> None:
        """Wait for the next request, or close."""
        if self.persistent:
            self._be_idle()
        super().requestDone(request)

    def loseConnection(self) -> None:
        """Close when the client has taken its answers; who takes none is given up after a while."""
        self._be_busy()
        self._is_closing = True
        self._be_idle()
        super().loseConnection()

    def hang_up(self) -> None:
        """Make an end with who asks for nothing, unless it still takes its answer."""
        self._be_busy()
        if self.buffered and self.taken > self._taken_before:
            self.server.loop.call_soon(self._be_idle)
        elif self.buffered or self._is_closing:
            self.transport.abortConnection()
        else:
            self.loseConnection()

    def _be_idle(self) -> None:
        waiting = self.server.leaving if self._is_closing else self.server.idle
        if self.transport.connected and self not in waiting:
            self._taken_before = self.taken
            peer = str(getattr(self.transport.getPeer(), "host", ""))
            # A proxy's connection is nobody's between two requests.
            self._site = "" if self.server.trusted_proxies.is_one(peer) else self.server.addresses.enter(peer)
            waiting.add(self)

    def _be_busy(self) -> None:
        self.server.idle.discard(self)
        self.server.leaving.discard(self)
        site, self._site = self._site, ""
        self.server.addresses.leave(site)

    # What the client has not taken

    @property
    def buffered(self) -> int:
        """Bytes that wait in user space for the client to read."""
        transport = self.transport
        if not hasattr(transport, "dataBuffer"):
            return 0
        return len(transport.dataBuffer) - int(transport.offset) + int(transport._tempDataLen)

    @property
    def taken(self) -> int:
        """Bytes of bodies that the kernel took: fewer than it did, by what frames them and still waits."""
        return self._said - self.buffered

    @property
    def excess(self) -> int:
        """Bytes that wait beyond the limit."""
        return self.buffered - self.server.limits.max_buffer_bytes

    def owe(self, size: int) -> None:
        """Take note that *size* more bytes were written."""
        self._said += size
        if waiting := self.buffered:
            self.server.backlog.add(self, min(waiting, size))

    def _let_go(self) -> None:
        """Be freed at once, with what was not taken: what knows itself is searched for late (`collector`)."""
        self.requests.clear()
        self._transferDecoder = None
        if hasattr(transport := self.transport, "dataBuffer"):
            transport.dataBuffer, transport.offset = b"", 0
            transport._tempDataBuffer, transport._tempDataLen = [], 0

    def overflowed(self) -> None:
        """Make an end with who does not read; in the words of the stream, if it is one."""
        self.server.counters.slow += 1
        if self.requests and self.requests[0].is_open:
            self.requests[0].overflowed()
        else:
            self.transport.abortConnection()

    def resumeProducing(self) -> None:
        """Go on writing: the client has taken what waited."""
        super().resumeProducing()
        self._let_go_on()

    async def until_taken(self) -> None:
        """Wait while the transport has enough to write."""
        while self._waitingForTransport and self.transport.connected:
            self._has_room = self._has_room or self.server.loop.create_future()
            await asyncio.shield(self._has_room)

    def _let_go_on(self) -> None:
        waiting, self._has_room = self._has_room, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _throw_away(self, count: int) -> None:
        self._thrown_away += count
        if self._thrown_away > _LINGER_BYTES:
            self.loseConnection()

    def _room_for(self, path: bytes) -> int:
        limits = self.server.limits
        if is_ours(path):
            return _MESSAGES_PER_BODY * limits.max_message_bytes if takes_body(path) else 0
        return limits.max_body_bytes
