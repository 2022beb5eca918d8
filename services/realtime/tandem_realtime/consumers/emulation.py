"""``/ws/emulation``: a later command of a client on an HTTP transport, whichever process holds its session."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from google.protobuf.message import DecodeError

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem_realtime.consumers.http import HttpConsumer, TooLarge, read_body
from tandem_realtime.observing import metrics
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import Error
from tandem_realtime.protocol.dialects.protobuf.schema import EmulationRequest
from tandem_realtime.runtime import runtime

_NODE = re.compile(r"[0-9a-f]{32}")
# Commands are a JSON text inside a JSON text: each quotation mark takes two bytes, and the envelope some more.
_ENVELOPE_BYTES = 1024


class Envelope(msgspec.Struct, frozen=True):
    """What connect answered as session and node, and the commands: a frame of the session's dialect."""

    session: str
    node: str
    data: str | bytes


class TextEnvelope(Envelope, frozen=True):
    """One in JSON."""

    data: str


def read_envelope(body: bytes, *, is_binary: bool) -> Envelope:
    """Read the body of a request. Raises `ValueError` for what is none."""
    try:
        if not is_binary:
            return msgspec.json.decode(body, type=TextEnvelope)
        said = EmulationRequest.FromString(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, DecodeError) as error:
        raise ValueError("not an envelope") from error
    return Envelope(said.session, said.node, said.data)


class EmulationConsumer(HttpConsumer):
    """
    Hand commands over and answer 204; the replies come through the session's response.

    404 makes the client connect again: there is no such session, or no such process any more.
    """

    method = "POST"

    async def answer(self, receive: Any) -> None:
        """Answer one request."""
        limit = runtime().options.max_message_bytes
        try:
            body = await read_body(receive, 2 * limit + _ENVELOPE_BYTES)
            envelope = read_envelope(body, is_binary=self.has_binary_body)
            if len(envelope.data) > limit:
                raise TooLarge
            is_known = bool(_NODE.fullmatch(envelope.node)) and await runtime().emulation.hand_over(
                envelope.node, envelope.session, envelope.data
            )
        except TooLarge:
            await self._refuse(codes.LIMIT_EXCEEDED)
        except ValueError:
            await self._refuse(codes.BAD_COMMAND)
        except (RedisUnavailable, RedisReplyError):
            await self._refuse(codes.INTERNAL)
        else:
            metrics.commands["emulation", "ok" if is_known else str(codes.STALE.code)] += 1
            await self.reply(204 if is_known else 404)

    async def _refuse(self, error: Error) -> None:
        metrics.commands["emulation", str(error.code)] += 1
        await self.refuse(error)
