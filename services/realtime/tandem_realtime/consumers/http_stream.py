"""``/ws/http_stream``: the protocol over a response that goes on. Later commands come through ``/ws/emulation``."""

from __future__ import annotations

from typing import Any

from tandem_realtime.consumers.http import TooLarge, read_body
from tandem_realtime.consumers.streaming import StreamConsumer, goodbye_in
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.encodings import LINES, MESSAGES
from tandem_realtime.runtime import runtime
from tandem_realtime.session import Session


class HttpStreamConsumer(StreamConsumer):
    """
    A connection whose first commands are the body of its request.

    A binary body makes it speak Protobuf, any other JSON, a message a line.
    """

    method = "POST"
    content_type = b"application/octet-stream"

    async def answer(self, receive: Any) -> None:
        """Stream to the client that the body introduces."""
        try:
            commands = await read_body(receive, runtime().options.max_message_bytes)
        except TooLarge:
            await self.refuse(codes.LIMIT_EXCEEDED)
            return

        async def begin(session: Session) -> None:
            session.take_from_elsewhere()
            await session.receive(commands)

        encoding = MESSAGES if self.has_binary_body else LINES
        await self.stream(receive, encoding, goodbye_in(encoding), begin)
