"""What the api tells every process about open connections: end them, give or take a channel, let them run out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgpack
import msgspec

from tandem import control
from tandem.async_shards import AsyncShards
from tandem.control import Aimed, Disconnect, Message, Refresh, Subscribe, Unsubscribe
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.groups import shard_for_group
from tandem.publication import Position
from tandem_realtime.hub import Hub
from tandem_realtime.hub.tasks import Tasks
from tandem_realtime.protocol import codes
from tandem_realtime.session import subscribing
from tandem_realtime.session.expiry import deadline, ttl

if TYPE_CHECKING:
    from tandem_realtime.session.session import Session

logger = logging.getLogger(__name__)

READ_BATCH = 1000
RETRY_SECONDS = 0.25
EntryId = tuple[int, int]


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


def revoked_login(message: Message) -> str:
    """Return the login whose tokens *message* makes worthless; empty for none."""
    if not isinstance(message, Disconnect) or message.client or message.whitelist:
        return ""
    return message.session if 3500 <= message.code < 4000 else ""


class Revocations:
    """The logins that were ended lately: longer than any token of theirs is good for. The time is passed in."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[str, float] = {}

    def add(self, login: str, now: float) -> None:
        """Refuse the tokens of *login* from *now* on."""
        for stale in [old for old, end in self._ends.items() if end <= now]:
            del self._ends[stale]
        self._ends[login] = now + self._seconds

    def has(self, login: str, now: float) -> bool:
        """Tell whether *login* was ended."""
        return self._ends.get(login, 0.0) > now


class Control:
    """
    Carries out what the group and the log of control say: once each, also what was said while nobody listened.

    Until it `is_ready` it does not know which logins ended before this process began.
    """

    def __init__(self, sessions: Mapping[str, Session], hub: Hub, shards: AsyncShards) -> None:
        self._sessions = sessions
        self._hub = hub
        self._shards = shards
        self._tasks = Tasks()
        self._revocations = Revocations(control.LOG_SECONDS)
        self._done: EntryId = (time.time_ns() // 1_000_000, 0)
        self._read: str = "-"
        self.is_ready = False

    def start(self) -> None:
        """Begin to listen."""
        self._tasks.spawn(self._begin())

    async def stop(self) -> None:
        """End the background work."""
        await self._tasks.stop()

    def is_revoked(self, login: str) -> bool:
        """Tell whether the tokens and tickets of *login* are worthless by now."""
        return bool(login) and self._revocations.has(login, time.monotonic())

    async def _begin(self) -> None:
        await self._hub.handle(control.GROUP, self._take, on_restored=self._catch_up_soon)
        await self._read_log()
        self.is_ready = True

    def _catch_up_soon(self) -> None:
        self._tasks.spawn(self._read_log())

    async def _read_log(self) -> None:
        while not await self._catch_up():
            await asyncio.sleep(RETRY_SECONDS)

    async def _catch_up(self) -> bool:
        """Carry out what is in the log and was not heard; tell whether the log could be read."""
        client = self._shards.clients[shard_for_group(control.GROUP, len(self._shards.clients))]
        try:
            while entries := await client.execute("XRANGE", control.LOG_KEY, self._read, "+", "COUNT", READ_BATCH):
                for entry_id, (_, body) in entries:
                    self._take({**msgpack.unpackb(body), "id": entry_id.decode()})
                self._read = "(" + entries[-1][0].decode()
        except (RedisUnavailable, RedisReplyError) as error:
            logger.warning("control.unread", extra={"reason": str(error)})
            return False
        return True

    def _take(self, message: dict[str, Any]) -> None:
        try:
            known: Message = msgspec.convert(message, Message)
            entry_id = _entry_id(message["id"]) if "id" in message else None
        except (msgspec.ValidationError, ValueError) as error:
            logger.warning("control.malformed", extra={"reason": str(error)})
            return
        if login := revoked_login(known):
            self._revocations.add(login, time.monotonic())
        if entry_id is None or entry_id > self._done:
            self._done = entry_id or self._done
            self._carry_out(known)

    def _carry_out(self, message: Message) -> None:
        for session in self._addressees(message):
            try:
                carry_out(message, session)
            except Exception:  # one connection's trouble must not keep the others open
                logger.exception("control.failed")

    def _addressees(self, message: Message) -> Iterable[Session]:
        if message.client:
            candidates = [self._sessions[message.client]] if message.client in self._sessions else []
        else:
            candidates = list(self._sessions.values())
        return [session for session in candidates if fits(message, session)]


def carry_out(message: Message, session: Session) -> None:
    """Do to one connection what *message* says."""
    match message:
        case Disconnect() if session.client not in message.whitelist:
            session.disconnect(codes.Disconnect(message.code, message.reason))
        case Refresh(expired=True):
            session.disconnect(codes.EXPIRED)
        case Refresh():
            session.expires = deadline(message.expire_at)
            session.reschedule()
            if not session.is_plain:
                session.send(session.dialect.push_refresh(ttl(message.expire_at)))
        case Unsubscribe() if message.channel in session.subscriptions:
            _unsubscribe(session, message.channel)
        case Subscribe() if session.is_connected and not session.is_plain:
            since = Position(message.epoch, message.offset) if message.epoch else None
            work = subscribing.subscribe_by_server(session, message.channel, message.info, message.data, since)
            session.spawn(work)


def _unsubscribe(session: Session, channel: str) -> None:
    if session.is_plain:  # cannot be told about one channel
        session.disconnect(codes.FORCE_DISCONNECT)
    else:
        session.end_subscription(session.subscriptions[channel], codes.BY_SERVER)


def _entry_id(text: str) -> EntryId:
    time_part, _, number = text.partition("-")
    return int(time_part), int(number or 0)
