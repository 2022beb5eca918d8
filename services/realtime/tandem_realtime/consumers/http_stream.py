"""``/ws/http_stream``: the protocol over a response of lines. Later commands come through ``/ws/emulation``."""

from __future__ import annotations

from typing import Any

from tandem_realtime.consumers.http import TooLarge, read_body
from tandem_realtime.consumers.streaming import StreamConsumer
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import Disconnect
from tandem_realtime.protocol.encodings import LINES, line
from tandem_realtime.protocol.replies import push_disconnect
from tandem_realtime.runtime import runtime
from tandem_realtime.session import Session


class HttpStreamConsumer(StreamConsumer):
    """A connection whose first commands are the body of its request."""

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
            runtime().emulation.add(session)
            await session.receive(commands)

        await self.stream(receive, LINES, _goodbye, begin)


def _goodbye(why: Disconnect) -> bytes:
    return line(push_disconnect(why))
