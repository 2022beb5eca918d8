"""Where a connection becomes a WebSocket: at its first request, or later on a kept-alive connection of Twisted's."""

from __future__ import annotations

from socket import SocketType
from typing import Any

from .connections import Connections
from .handshake import END_OF_HEAD, BadHandshake, build_scope, read_request
from .websocket import WebSocket


def upgrade(server: Connections, sock: SocketType, data: bytes, *, client: list[Any] | None) -> None:
    """Answer the upgrade request that *data* begins with, on the non-blocking socket *sock*."""
    websocket = WebSocket(server, sock)
    websocket.start_reading()  # whoever was reading, for the head, does so no more
    server.counters.handshakes += 1
    peer = str(client[0]) if client else ""
    no = server.why_not(is_handshake=True)
    if no is None and not server.trusted_proxies.is_one(peer):
        no = server.why_not_from(peer, is_told=False, is_handshake=True)
    if no is not None:
        websocket.refuse_for(no, peer)
        return
    end = data.index(END_OF_HEAD) + len(END_OF_HEAD)
    try:
        request, accept = read_request(data[:end])
    except BadHandshake as error:
        websocket.refuse_with(error.response, because="malformed")
        return
    scope = build_scope(request, client=client, root_path=server.root_path)
    server.trusted_proxies.tell(scope)
    address = str(scope["client"][0]) if scope["client"] else ""
    if server.trusted_proxies.is_one(peer):
        is_told = address != peer and not server.trusted_proxies.is_one(address)
        if no := server.why_not_from(address, is_told=is_told, is_handshake=True):
            websocket.refuse_for(no, address)
            return
    websocket.site = server.addresses.enter(address)
    server.connections[websocket] = {}
    websocket.start(scope, accept, data[end:])


class UpgradeFactory:
    """Stand where Daphne's WebSocket factory stood: its HTTP gives an upgrade request to `buildProtocol`."""

    def __init__(self, server: Connections) -> None:
        self._server = server

    def buildProtocol(self, address: Any) -> Upgrade:
        """Return what takes over one connection."""
        return Upgrade(self._server, address)


class Upgrade:
    """
    Take a connection from Twisted in the middle of its life.

    A proxy may send an upgrade request on a connection that has served other requests before.
    """

    _raw_query_string = b""  # Daphne sets it; the request that it injects again has the query

    def __init__(self, server: Connections, address: Any) -> None:
        self._server = server
        self._client = [str(address.host), address.port] if hasattr(address, "port") else None
        self._socket: SocketType | None = None

    def makeConnection(self, transport: Any) -> None:
        """Take the socket out of *transport*, which must not touch it again."""
        transport.stopReading()
        transport.stopWriting()
        transport.connected = 0
        transport.disconnected = 1
        self._socket = transport.getHandle()

    def dataReceived(self, data: bytes) -> None:
        """Take the request, as Daphne rebuilds it."""
        if self._socket is not None:
            sock, self._socket = self._socket, None
            upgrade(self._server, sock, data, client=self._client)
