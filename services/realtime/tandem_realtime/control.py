"""
What the project tells every process about open connections: end them, give or take a channel, let them run out.

It comes through a channel of its own, whole and in order as every channel's publications do. What was revoked is state
beside it, which is read at the start and whenever the stream cannot tell what was missed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from tandem import control, last_release, scripts
from tandem.async_shards import AsyncShards
from tandem.control import Aimed, Disconnect, Message, Refresh, Reread, Revoke, Subscribe, Unsubscribe
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.namespaces import CONTROL, INTERNAL, Namespaces
from tandem.publication import Position, Publication
from tandem.revocations import page_call, parse_page
from tandem.scripts import StreamState
from tandem.streams import publications
from tandem_realtime.ending import ended_by, take_channel
from tandem_realtime.hub import Hub, Subscription
from tandem_realtime.hub.streams import Streams
from tandem_realtime.hub.tasks import Tasks
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.dialects import json
from tandem_realtime.protocol.encodings import Encoding
from tandem_realtime.revocations import Revocations
from tandem_realtime.session import subscribing
from tandem_realtime.session.expiry import ttl
from tandem_realtime.session.session import Session
from tandem_realtime.sessions import Sessions

logger = logging.getLogger(__name__)

_decoder = msgspec.json.Decoder(Message)

RETRY_SECONDS = 0.25


class Addressee(Protocol):
    """A connection, as far as a message can aim at it."""

    @property
    def user(self) -> str: ...

    @property
    def client(self) -> str: ...

    @property
    def login(self) -> str: ...


def fits(message: Aimed, connection: Addressee) -> bool:
    """Tell whether *message* is for *connection*, which fits all that is named; something must be."""
    named = (
        (message.user, connection.user),
        (message.client, connection.client),
        (message.session, connection.login),
    )
    return any(wanted for wanted, _ in named) and all(not wanted or wanted == actual for wanted, actual in named)


def is_missed(publication: Publication, stream: StreamState, *, since: Position, until: Position) -> bool:
    """Tell whether somebody who stood at *since* in *stream*, and was then put at *until*, missed *publication*."""
    is_before = publication.epoch == until.epoch and publication.offset <= until.offset
    is_known = stream.continues(since) and publication.offset <= since.offset
    return is_before and not is_known


class Control:
    """
    Carries out what is told, once each; to a hub of its own it is a subscriber like any connection.

    What was revoked it puts into *revocations*, where tokens are judged. Until it `is_ready` it does not know what was
    revoked before this process began.
    """

    def __init__(self, sessions: Sessions[Session], revocations: Revocations, layer: Any, shards: AsyncShards) -> None:
        self._sessions = sessions
        self._shards = shards
        namespaces = Namespaces({CONTROL: INTERNAL[CONTROL]})
        self._hub = Hub(layer, Streams(shards), namespaces, recovery_limit=control.NAMESPACE.history_size)
        self._tasks = Tasks()
        self._revocations = revocations
        self.encoding = Encoding(json, self._carry, bytes, b"", self._carry)
        self._done = Position("", 0)
        self.is_ready = False

    def start(self) -> None:
        """Begin to listen."""
        self._hub.start()
        self._tasks.spawn(self._listen())
        if last_release.can_be_beside():
            self._tasks.spawn(self._hub.handle(last_release.GROUP, self._hear_before))

    async def stop(self) -> None:
        """End the background work."""
        await self._tasks.stop()
        await self._hub.stop()

    # As a subscriber of the hub

    def write(self, data: bytes) -> None:
        """Take no note: it was carried out when it was encoded."""

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Take no note: what was missed is read as soon as it can be."""

    def state_lost(self, subscription: Subscription) -> None:
        """Read the state: the stream cannot tell any more what was missed."""
        logger.warning("control.lost")
        self._tasks.spawn(self._make_good(self._done, self._hub.channels[control.CHANNEL].position))
        self._tasks.spawn(self._read_state())

    async def _listen(self) -> None:
        subscription = Subscription(self, control.CHANNEL)
        while not await self._try(self._hub.subscribe(subscription, None)):
            await asyncio.sleep(RETRY_SECONDS)
        channel = self._hub.channels[control.CHANNEL]
        channel.check_seconds = 0.0  # whoever waits for a connection to be ended does so no longer than a second
        self._done = channel.position
        await self._read_state()
        self.is_ready = True

    async def _make_good(self, since: Position, until: Position) -> None:
        """Carry out what the stream still has of what came after *since*; what follows *until* the hub tells us."""
        call = scripts.read_call(control.CHANNEL, None, control.NAMESPACE.history_size)
        while True:
            try:
                found = scripts.parse_entries(await self._shards.run(control.CHANNEL, call))
                break
            except (RedisUnavailable, RedisReplyError) as error:
                logger.warning("control.unread", extra={"reason": str(error)})
                await asyncio.sleep(RETRY_SECONDS)
        for publication in publications(control.CHANNEL, found):
            if is_missed(publication, found.state, since=since, until=until):
                self._hear(publication)

    async def _read_state(self) -> None:
        """Learn all that was revoked, and end what lives on it. What is told meanwhile comes on top."""
        begin = ("-inf", 0)
        while True:
            try:
                page = parse_page(await self._shards.run(control.CHANNEL, page_call(begin)), begin)
            except (RedisUnavailable, RedisReplyError) as error:
                logger.warning("control.unread", extra={"reason": str(error)})
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._take(Revoke(revocations=page.revocations))
            if page.next is None:
                return
            begin = page.next

    async def _try(self, attempt: Any) -> bool:
        try:
            await attempt
        except (RedisUnavailable, RedisReplyError) as error:
            logger.warning("control.unread", extra={"reason": str(error)})
            return False
        return True

    def _carry(self, publication: Publication) -> bytes:
        """Take what the hub has for us, in place of making bytes of it."""
        self._done = Position(publication.epoch, publication.offset)
        self._hear(publication)
        return b""

    def _hear(self, publication: Publication) -> None:
        try:
            self._take(_decoder.decode(publication.data))
        except (msgspec.MsgspecError, RecursionError) as error:
            logger.warning("control.malformed", extra={"reason": str(error)})
        except Exception:  # the next message must still be heard
            logger.exception("control.failed")

    def _hear_before(self, message: dict[str, Any]) -> None:
        """Take what an api of 0.1 says while it is being upgraded."""
        try:
            for each in last_release.heard(message):
                self._take(msgspec.convert(each, Message))
        except msgspec.MsgspecError as error:
            logger.warning("control.malformed", extra={"reason": str(error)})

    def _take(self, message: Message) -> None:
        match message:
            case Revoke():
                for each in message.revocations:
                    self._revocations.add(each, time.monotonic())
                    for end in ended_by(each, self._sessions):
                        self._do(end)
            case Reread():
                self._tasks.spawn(self._read_state())
            case _:
                for session in self._addressees(message):
                    self._do(lambda session=session: carry_out(message, session))

    def _do(self, act: Any) -> None:
        try:
            act()
        except Exception:  # one connection's trouble must not keep the others open
            logger.exception("control.failed")

    def _addressees(self, message: Aimed) -> Iterable[Session]:
        if message.client:
            candidates = [self._sessions[message.client]] if message.client in self._sessions else []
        elif message.session:
            candidates = self._sessions.of_login(message.session)
        else:
            candidates = self._sessions.of_user(message.user)
        return [session for session in candidates if fits(message, session)]


def carry_out(message: Message, session: Session) -> None:
    """Do to one connection what *message* says."""
    match message:
        case Disconnect() if session.client not in message.whitelist:
            session.disconnect(codes.Disconnect(message.code, message.reason))
        case Refresh(expired=True):
            session.disconnect(codes.EXPIRED)
        case Refresh():
            session.expire_at(message.expire_at)
            if not session.is_plain:
                session.send(session.dialect.push_refresh(ttl(message.expire_at, session.runtime.clock.now())))
        case Unsubscribe() if message.channel in session.subscriptions:
            take_channel(session, message.channel)
        case Subscribe() if session.is_connected and not session.is_plain:
            session.runtime.namespaces.adopt(message.ns)
            session.spawn(subscribing.subscribe_by_server(session, message))
