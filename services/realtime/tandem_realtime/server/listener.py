"""Accept connections, look at the first request, and give it to a WebSocket or to Daphne's HTTP."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
from typing import Any

from twisted.protocols.tls import TLSMemoryBIOFactory

from .connections import Connections
from .handshake import END_OF_HEAD, MAX_HEAD_BYTES, asks_for_websocket, refusal
from .reactor import reactor
from .upgrade import upgrade

logger = logging.getLogger(__name__)
# More in one turn of the loop would make everybody else wait for a crowd that comes back at once.
_ACCEPTS_PER_TURN = 16
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_SECONDS = 1.0
# What the kernel may hold for a client that does not read, beyond what is on its way.
_KERNEL_UNSENT_BYTES = 131_072
# As on any network: within one machine they have 64 KB, and an edge may send 3 MB ahead of what is read of a client.
_SEGMENT_BYTES = 1448
_GET = b"GET "


class Listener:
    """Take the place of a Twisted port's own accept loop; HTTP goes to the port's factory as ever."""

    def __init__(self, server: Connections, port: Any) -> None:
        if isinstance(port.factory, TLSMemoryBIOFactory):
            raise NotImplementedError("TLS endpoints are not served here: let the edge end TLS")
        self.server = server
        self._port = port
        self._socket: socket.socket = port.socket
        self._kind = int(self._socket.family), int(self._socket.type), 0
        self._is_tcp = self._socket.family in (socket.AF_INET, socket.AF_INET6)
        port.stopReading()
        # Accepted sockets inherit these, at no call per connection.
        self._socket.listen(server.limits.backlog)
        if self._is_tcp:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT_BYTES)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _KERNEL_UNSENT_BYTES)
        server.loop.add_reader(self._socket.fileno(), self._accept_some)

    async def close(self) -> None:
        """Stop listening; whoever is in the backlog is taken first, for the kernel would reset them."""
        self.server.loop.remove_reader(self._socket.fileno())
        # Twisted closes its socket in a call of its own, which comes right after this one.
        reactor.callLater(0, self._accept_all)
        await self._port.stopListening().asFuture(self.server.loop)

    def _accept_all(self) -> None:
        while self._accept_one():
            pass

    def _accept_some(self) -> None:
        self.server.readers.together(self._accept_while_there_is_time)

    def _accept_while_there_is_time(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            if not self._accept_one() or self.server.surplus.is_turn_over():
                return

    def _accept_one(self) -> bool:
        """Take one connection; tell whether there may be another."""
        try:
            sock, address = self._accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            self._pause(error)
            return False
        sock.setblocking(False)
        Arrival(self, sock, address).read()
        return True

    def _accept(self) -> tuple[socket.SocketType, Any]:
        """
        Do what `accept` of a socket does, for half of what that costs: it looks up two enumerations each time.

        What comes of it has the system's calls alone. Twisted gets a whole one.
        """
        fileno, address = self._socket._accept()  # type: ignore[attr-defined]  # nothing else gives the number
        return socket.SocketType(*self._kind, fileno), address

    def _pause(self, error: OSError) -> None:
        logger.error("Cannot accept: %s", error)
        if error.errno in _OUT_OF_RESOURCES and not self.server.is_draining:
            fileno = self._socket.fileno()
            self.server.loop.remove_reader(fileno)
            self.server.loop.call_later(_PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if not self.server.is_draining:
            self.server.loop.add_reader(self._socket.fileno(), self._accept_some)

    def upgrade(self, sock: socket.SocketType, address: Any, data: bytes) -> None:
        """Make a WebSocket of a connection."""
        upgrade(self.server, sock, data, client=[str(address[0]), address[1]] if self._is_tcp else None)

    def hand_to_http(self, sock: socket.SocketType, address: Any, data: bytes) -> None:
        """Do what Twisted's port would have done with this connection, and give it the bytes read so far."""
        port = self._port
        protocol = port.factory.buildProtocol(port._buildAddr(address))
        port.sessionno += 1
        whole = socket.socket(fileno=sock.detach())
        transport = port.transport(whole, protocol, address, port, port.sessionno, port.reactor)
        protocol.makeConnection(transport)
        protocol.dataReceived(data)


class Arrival:
    """A connection of which the first request has not been read."""

    __slots__ = ("_address", "_data", "_is_waiting", "_listener", "_socket")

    def __init__(self, listener: Listener, sock: socket.SocketType, address: Any) -> None:
        self._listener = listener
        self._socket = sock
        self._address = address
        self._data = b""
        self._is_waiting = False

    def read(self) -> None:
        """Read what there is, and wait for more only if the head is not whole."""
        try:
            data = self._socket.recv(MAX_HEAD_BYTES)
        except (BlockingIOError, InterruptedError):
            self._wait()
            return
        except OSError:
            data = b""
        self._data += data
        if not data:
            self._drop("gone")
        elif not self._data.startswith(_GET[: len(self._data)]) or len(self._data) >= MAX_HEAD_BYTES:
            self._hand_to_http()
        elif (end := self._data.find(END_OF_HEAD)) < 0:
            self._wait()
        elif asks_for_websocket(self._data[: end + len(END_OF_HEAD)]):
            self._listener.server.arriving.discard(self)
            self._listener.upgrade(self._socket, self._address, self._data)
        else:
            self._hand_to_http()

    def time_out(self) -> None:
        """End a connection whose request does not come."""
        with contextlib.suppress(OSError):
            if self._data:
                self._socket.send(refusal(408, "The request did not come in time\n"))
        self._drop("timeout")

    def _wait(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._listener.server.readers.add(self._socket.fileno(), self.read)
            self._listener.server.arriving.add(self)

    def _stop_waiting(self) -> None:
        if self._is_waiting:
            self._listener.server.readers.discard(self._socket.fileno())
            self._listener.server.arriving.discard(self)

    def _hand_to_http(self) -> None:
        self._stop_waiting()
        self._listener.hand_to_http(self._socket, self._address, self._data)

    def _drop(self, because: str) -> None:
        self._stop_waiting()
        self._socket.close()
        if self._data:
            self._listener.server.counters.rejected[because] += 1
