"""Daphne's HTTP, with limits and with a word to streaming responses before they are ended."""

from __future__ import annotations

import asyncio
import http
import io
import logging
import time
from collections.abc import Callable
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest

from tandem_realtime.endpoints import is_command, is_ours, is_transport

from .channel import Channel
from .connections import Connections, No

logger = logging.getLogger(__name__)
CloseCallback = Callable[[int, str], None]


class Request(WebRequest):  # type: ignore[misc] # Daphne has no types
    """
    One HTTP request, in `server.connections` until answered.

    A streaming response registers what the server calls, with code and reason, instead of closing by itself.
    """

    kind = "http"
    server: Connections

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.opened_at = time.monotonic()
        self.request_start = 0.0
        self.is_stream = False
        self._on_close: CloseCallback | None = None
        self._rotation: asyncio.TimerHandle | None = None
        self.site = ""
        super().__init__(*args, **kwargs)
        self._parsePOSTFormSubmission = False  # the application reads its forms itself

    @property
    def is_open(self) -> bool:
        """Tell whether this is a streaming response that has not been told to end."""
        return self._on_close is not None

    @property
    def buffered(self) -> int:
        """Bytes that wait in user space for the client to read."""
        channel: Channel | None = getattr(self, "channel", None)  # Twisted deletes it with the end of the response
        return channel.buffered if channel is not None else 0

    def overflowed(self) -> None:
        """End a stream whose client does not read: 3008."""
        self.close(3008, "slow")
        if self.buffered > self.server.limits.max_buffer_bytes:  # what Twisted has is not taken back
            self.server.loop.call_soon(self.time_out)

    def duration(self) -> float:
        """Return the age in seconds; Daphne reads the wall clock here."""
        return time.monotonic() - self.opened_at

    def register_close(self, callback: CloseCallback) -> None:
        """Take *callback* as the way to end this response: the extension `tandem.close`."""
        self._on_close = callback
        self.is_stream = True
        self._rotation = self.server.schedule_rotation(self)
        self.server.on_stream(self)

    def close(self, code: int, reason: str) -> None:
        """Ask a streaming response to end; other requests end by themselves. What does not end is cut off."""
        callback, self._on_close = self._on_close, None
        if callback is not None:
            self.server.counters.closed[code] += 1
            self.server.lingering.add(self)
            callback(code, reason)

    def send_away(self, code: int, reason: str) -> None:
        """Ask a streaming response to end, whose client comes back."""
        self.close(code, reason)

    def count_end(self) -> None:
        """Count the end of a streaming response: by itself (1000), by its client (1006), or as `close` counted it."""
        if self.is_stream:
            self.is_stream = False
            self.server.counters.ages.observe(self.duration())
            if self.is_open:
                self.server.counters.closed[1000 if self.finished else 1006] += 1
        self._on_close = None
        site, self.site = self.site, ""
        self.server.addresses.leave(site)
        if self._rotation is not None:
            self._rotation.cancel()

    def time_out(self) -> None:
        """Cut off a response that did not end, or whose client does not read."""
        if (channel := getattr(self, "channel", None)) is not None:
            channel.transport.abortConnection()

    @property
    def application(self) -> asyncio.Task[None] | None:
        """The task of the application, as long as it runs."""
        task: asyncio.Task[None] | None = self.server.connections.get(self, {}).get("application_instance")
        return task

    def end_unanswered(self) -> None:
        """End a request whose application has ended, by an exception or not, and left it without a whole response."""
        if self._response_started:
            self.time_out()
        else:
            self.basic_error(500, b"Internal Server Error", "Exception inside application.")

    def gotLength(self, length: int | None) -> None:
        """Choose where the body goes: one for us to memory, never to a file."""
        if is_ours(self.channel._path):
            self.content = io.BytesIO()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body, unless there is more than there is room for."""
        self.channel.room -= len(data)
        if self.channel.room < 0:
            self.channel.refuse(413)
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        """Refuse what there is no room for; else go on as Daphne does."""
        self.requestHeaders.removeHeader(b"Daphne-Root-Path")  # it is no client's to say where we are mounted
        upgrade = self.requestHeaders.getRawHeaders(b"Upgrade", [b""])[0]
        # A command is of a client that has its connection already: refusing it would end that.
        if upgrade.lower() == b"websocket":
            self.channel.forget()
        elif not is_command(self.path):
            address, is_told = self._address()
            is_handshake = is_transport(self.path)
            no = self.server.why_not(is_handshake=is_handshake, is_counted=True)
            no = no or self.server.why_not_from(address, is_told=is_told, is_handshake=is_handshake)
            if no is not None:
                self._refuse(no, address)
                return None
            self.site = self.server.addresses.enter(address)
        return super().process()

    def _refuse(self, no: No, address: str) -> None:
        self.server.refused(no, address)
        self.setHeader(b"Retry-After", str(no.retry_after).encode())
        self.basic_error(no.status, http.HTTPStatus(no.status).phrase.encode(), no.text)

    def _address(self) -> tuple[str, bool]:
        """Return the address that counts, and whether a trusted proxy told it."""
        peer = str(getattr(self.client, "host", ""))
        proxies = self.server.trusted_proxies
        if not proxies.is_one(peer):
            return peer, False
        forwarded = self.requestHeaders.getRawHeaders(b"x-forwarded-for", [])
        headers = [(b"x-forwarded-for", value) for value in forwarded]
        scope: dict[str, Any] = {"client": [peer, 0], "headers": headers, "type": "http"}
        proxies.tell(scope)
        address = str(scope["client"][0])
        return address, address != peer and not proxies.is_one(address)

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Send what the application says; it counts until the client has taken it."""
        channel: Channel | None = getattr(self, "channel", None)  # Twisted deletes it with the end of the response
        super().handle_reply(message)
        size = len(message.get("body", b""))
        self.server.counters.bytes_out += size
        if self.server.is_draining and not self.finished and self.channel is not None:
            self.channel.persistent = False
            self.setHeader(b"connection", b"close")
        if channel is not None:
            channel.owe(size)

    async def until_taken(self) -> None:
        """Wait until the client has taken most of what was sent. Not in a stream, which has limits of its own."""
        channel: Channel | None = getattr(self, "channel", None)
        if channel is not None and not self.is_stream:
            await channel.until_taken()


class Factory(HTTPFactory):  # type: ignore[misc] # Daphne has no types
    """Make Daphne's HTTP use our request."""

    def startFactory(self) -> None:
        """Begin without Twisted's access log, which nobody reads, and its date, which is told anew every second."""

    def buildProtocol(self, address: Any) -> Any:
        """Return a protocol for one connection."""
        protocol = super().buildProtocol(address)
        theirs, protocol._channel = protocol._channel, Channel()
        for name in ("factory", "callLater"):
            setattr(protocol, name, getattr(theirs, name))
        protocol.timeOut = None  # see Channel.hang_up
        protocol.requestFactory = Request
        return protocol
