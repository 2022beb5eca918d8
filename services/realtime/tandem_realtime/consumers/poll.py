"""
``/ws/poll/?channel=...&since=<epoch>:<offset>``: what comes next in one channel, now or within 25 s.

Without ``since`` the answer comes at once: the position now, and, in a namespace with `latest`, the last publication.
``"recovered": false`` says that the publications do not follow ``since``: load the page's state again, then go on from
the position in the answer. ``state`` is ``stale`` while the server cannot tell whether that is all that there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from tandem.publication import Position, Publication
from tandem.tickets import Ticket
from tandem_realtime.consumers.http import HttpConsumer
from tandem_realtime.consumers.one_way import read_address
from tandem_realtime.consumers.refusals import address_of
from tandem_realtime.hub import Subscription
from tandem_realtime.observing import metrics
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import Disconnect, Error
from tandem_realtime.protocol.dialects import json
from tandem_realtime.protocol.dialects.json import encode_publication
from tandem_realtime.protocol.encodings import Encoding
from tandem_realtime.protocol.plain import push_plain
from tandem_realtime.runtime import runtime
from tandem_realtime.session import Session
from tandem_realtime.session.failures import as_error
from tandem_realtime.session.pages import pages
from tandem_realtime.session.subscriber import LIVE, STALE

WAIT_SECONDS = 25.0
NEWS_SECONDS = 2.0
"""How soon a request learns that the channel is in doubt; one that says ``state=stale`` knows it already."""


class Answer(msgspec.Struct):
    """Publications, and the position after them: the next request's ``since``."""

    publications: list[msgspec.Raw]
    epoch: str
    offset: int
    recovered: bool
    state: str = LIVE


class Harvest:
    """The other end of a session that lasts for one answer: keeps what it is told until something is there."""

    def __init__(self) -> None:
        self.publications: list[Publication] = []
        self.end: Disconnect | None = None
        self.is_ripe = asyncio.Event()
        self.state = LIVE

    @property
    def encoding(self) -> Encoding:
        """What a session is to speak. Not kept: who knows each other is searched for late (`collector`)."""
        return Encoding(json, push_plain, bytes, b"", self._keep)

    def _keep(self, publication: Publication) -> bytes:
        self.publications.append(publication)
        return b""

    def write(self, data: bytes) -> None:
        """Take note that what was encoded is due."""
        if self.publications:
            self.is_ripe.set()

    def take_state(self, state: str) -> bytes:
        """Take note that the server is no longer sure of the channel, or is again."""
        if state != self.state:
            self.state = state
            self.is_ripe.set()
        return b""

    def close(self, code: int, reason: str) -> None:
        """Take note that there will be nothing more."""
        self.end = Disconnect(code, reason)
        self.is_ripe.set()


class PollConsumer(HttpConsumer):
    """One question, held for a while if there is no answer yet."""

    async def answer(self, receive: Any) -> None:
        """Answer with what is there, or with what comes."""
        address = await read_address(self.scope, self.query)
        if isinstance(address, Error):
            await self.refuse(address)
            return
        wanted, ticket = address
        [channel, *others] = wanted
        if others or not runtime().namespaces.of(channel).has_history:
            await self.refuse(codes.BAD_COMMAND if others else codes.NOT_AVAILABLE)
            return
        outcome = await self._poll(channel, wanted[channel], ticket, receive)
        if isinstance(outcome, Error):
            await self.refuse(outcome)
        else:
            await self.reply(200, msgspec.json.encode(outcome))

    async def _poll(self, channel: str, since: Position | None, ticket: Ticket, receive: Any) -> Answer | Error:
        harvest = Harvest()
        address = address_of(self.scope)
        session = Session(runtime(), harvest.encoding, harvest.write, harvest.close, is_plain=True, address=address)
        session.hear_states(harvest.take_state)
        session.identify(ticket.claims)
        session.start()
        if register := self.scope.get("extensions", {}).get("tandem.close"):
            register(lambda code, reason: session.disconnect(Disconnect(code, reason)))
        try:
            found: Answer | Error | None = await _find(session, channel, since)
            if found is None:
                found = await self._wait_for(harvest, session, channel, since, receive)
            if isinstance(found, Answer) and session.runtime.hub.is_doubted(channel):
                found.state = STALE
            return found
        except Exception as error:  # sorted by type; what is ours is logged there
            return as_error(error)
        finally:
            session.connection_lost()

    async def _wait_for(
        self, harvest: Harvest, session: Session, channel: str, since: Position | None, receive: Any
    ) -> Answer | Error:
        harvest.state = STALE if session.runtime.hub.is_doubted(channel) else LIVE
        is_news = harvest.state == STALE and self.query.get("state") != [STALE]
        await _wait(harvest, receive, NEWS_SECONDS if is_news else WAIT_SECONDS)
        return _reap(harvest, since)


async def _find(session: Session, channel: str, since: Position | None) -> Answer | None:
    """Subscribe; return what can be answered at once, None if there is nothing after *since* yet."""
    hub = session.runtime.hub
    wants_latest = session.runtime.namespaces.of(channel).latest
    if wants_latest:
        await hub.remember_latest(channel)
    subscription = Subscription(session, channel)
    session.keep(subscription)
    admission = await hub.subscribe(subscription, since)
    if session.is_gone:  # told to end while Redis was asked
        hub.unsubscribe(subscription)
        return None
    if since is not None:
        metrics.recoveries["unrecovered" if admission.missed is None else "recovered"] += 1
    if admission.missed is None:
        return _answer(hub.latest(channel) if wants_latest else (), admission.position, recovered=False)
    return _answer(admission.missed, admission.position, recovered=True) if admission.missed else None


async def _wait(harvest: Harvest, receive: Any, seconds: float) -> None:
    """Wait until something is there, the time is up, or nobody waits for it any more."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    tasks = asyncio.create_task(harvest.is_ripe.wait()), asyncio.create_task(gone())
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _reap(harvest: Harvest, since: Position | None) -> Answer | Error:
    """
    Answer with what came.

    Where the stream began another epoch meanwhile that is not the end: the next request says where it stands, and only
    then is it known whether something is lost.
    """
    if harvest.end is not None and not harvest.publications and 3500 <= harvest.end.code < 4000:
        return codes.DENIED
    return codes.INTERNAL if since is None else _answer(harvest.publications, since, recovered=True)


def _answer(publications: Sequence[Publication], position: Position, *, recovered: bool) -> Answer:
    """Answer with the first page of what there is: the next request gets the next one, at once."""
    publications = pages(publications, runtime().options.recovery_page_bytes)[0]
    last = next((publication for publication in reversed(publications) if publication.offset), None)
    epoch, offset = (last.epoch, last.offset) if last else position
    told = [msgspec.Raw(encode_publication(publication)) for publication in publications]
    return Answer(told, epoch, offset, recovered)
