"""``/ws/sse``: the protocol over an event stream, and ``/ws/sse/?channel=...``: one-way, for a plain EventSource."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from tandem.tickets import Ticket
from tandem_realtime.consumers.one_way import read_address
from tandem_realtime.consumers.streaming import StreamConsumer, goodbye_in
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import Disconnect, Error
from tandem_realtime.protocol.encodings import EVENTS, event_line
from tandem_realtime.protocol.event_forms import FORMS, EventForm
from tandem_realtime.protocol.event_ids import EventIds
from tandem_realtime.runtime import runtime
from tandem_realtime.session import Session
from tandem_realtime.session.following import Wanted, follow


class SseConsumer(StreamConsumer):
    """
    An EventSource.

    With ``cf_connect`` it is an SDK's: later commands come through ``/ws/emulation``. Else it names its channels, and
    with ``as`` the library whose events it wants.
    A refusal is a status, after which no EventSource comes back; whatever passes ends the stream, after which it does.
    """

    async def answer(self, receive: Any) -> None:
        """Stream to either kind of client."""
        if "cf_connect" in self.query:
            await self._serve_sdk(receive, self.query["cf_connect"][0])
            return
        form = FORMS.get(self.query.get("as", [""])[-1])
        resume = next((value for name, value in self.scope["headers"] if name == b"last-event-id"), b"")
        if form is None:
            await self.refuse(codes.BAD_COMMAND)
            return
        address = await read_address(self.scope, self.query, resume=resume.decode("latin-1"))
        if not isinstance(address, Error):
            await self._serve_page(receive, *address, form)
        elif address == codes.INTERNAL:
            await self._ask_to_return(form)
        else:
            await self.refuse(address)

    async def _serve_sdk(self, receive: Any, commands: str) -> None:
        if len(commands) > runtime().options.max_message_bytes:
            await self.refuse(codes.LIMIT_EXCEEDED)
            return

        async def begin(session: Session) -> None:
            session.take_from_elsewhere()
            await session.receive(commands)

        await self.stream(receive, EVENTS, goodbye_in(EVENTS), begin)

    async def _serve_page(self, receive: Any, wanted: Wanted, ticket: Ticket, form: EventForm) -> None:
        right = runtime().rights.resumption(ticket, self.query.get("ticket", [""])[-1])
        event_ids = EventIds(wanted, form, right)

        async def begin(session: Session) -> None:
            session.hear_states(form.state)
            session.identify(ticket.claims)
            await follow(session, wanted, event_ids)

        goodbye = None if form.is_cut else _goodbye_page
        await self.stream(receive, event_ids.encoding, goodbye, begin, prelude=_retry(), is_plain=True)

    async def _ask_to_return(self, form: EventForm) -> None:
        last = b"" if form.is_cut else _goodbye_page(codes.SERVER_ERROR)
        await self.start(200, [(b"content-type", self.content_type)])
        await self.send({"type": "http.response.body", "body": _retry() + last, "more_body": form.is_cut})


def _retry() -> bytes:
    """Ask for a pause before coming back that is not everyone's."""
    return b"retry: %d\n\n" % random.randint(500, 2500)


def _goodbye_page(why: Disconnect) -> bytes:
    return b"event: disconnect\n" + event_line(msgspec.json.encode(why._asdict()))
