"""Answers the live page: who is connected to this process now. Counted when asked, from what lives."""

from __future__ import annotations

import logging
import socket
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from tandem import census
from tandem.census import Answer, Client, Crowd, Question
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.groups import shard_for_group
from tandem.namespaces import CANARY as CANARY
from tandem_realtime.hub.tasks import Tasks
from tandem_realtime.observing.exposition import live_connections
from tandem_realtime.observing.recent_warnings import RecentWarnings
from tandem_realtime.runtime import Runtime

logger = logging.getLogger(__name__)


class Connected(Protocol):
    """One client, as far as it is counted."""

    user: str
    client: str

    @property
    def subscriptions(self) -> Mapping[str, Any]: ...


class Census:
    """Hears the questions of the live page and answers them."""

    def __init__(self, runtime: Runtime, server: Any, recent_warnings: RecentWarnings) -> None:
        self._runtime = runtime
        self._server = server
        self._recent_warnings = recent_warnings
        self._tasks = Tasks()

    async def start(self) -> None:
        """Begin to listen."""
        await self._runtime.hub.handle(census.GROUP, self._take)

    async def stop(self) -> None:
        """End what is being answered."""
        await self._tasks.stop()

    def _take(self, message: dict[str, Any]) -> None:
        try:
            question = msgspec.convert(message, Question)
        except msgspec.ValidationError as error:
            logger.warning("census.malformed", extra={"reason": str(error)})
            return
        if question.reply_to.startswith(census.reply_key("")):
            self._tasks.spawn(self._answer(question))

    async def _answer(self, question: Question) -> None:
        shards = self._runtime.shards
        client = shards.clients[shard_for_group(census.GROUP, len(shards.clients))]
        try:
            client.submit("RPUSH", question.reply_to, msgspec.json.encode(self.count(question)))
            await client.execute("EXPIRE", question.reply_to, census.REPLY_SECONDS)
        except (RedisUnavailable, RedisReplyError) as error:
            logger.info("census.unanswered", extra={"reason": str(error)})

    def count(self, question: Question) -> Answer:
        """Count everyone who is connected, and name those who match."""
        sessions = self._runtime.sessions.values()
        subscribers = {name: channel.subscriber_count for name, channel in self._runtime.hub.channels.items()}
        ours = {name: count for name, count in subscribers.items() if count and not name.startswith(f"{CANARY}:")}
        users = Counter(session.user for session in sessions)
        transports: Counter[str] = Counter()
        for (transport, _), count in live_connections([self._server]).items():
            transports[transport] += count
        return Answer(
            pod=socket.gethostname(),
            node=self._runtime.node,
            is_draining=self._server.is_draining,
            transports={name: count for name, count in transports.items() if count},
            user_count=len(users),
            channel_count=len(ours),
            users=largest(users, question),
            channels=largest(ours, question),
            clients=clients_of(question.user, sessions, question.limit),
            warnings=list(self._recent_warnings.last),
            cpu_seconds=time.process_time(),
        )


def largest(counts: Mapping[str, int], question: Question) -> list[Crowd]:
    """Return the largest crowds whose name has what is searched for in it."""
    wanted = question.search.casefold()
    found = [Crowd(name, count) for name, count in counts.items() if wanted in name.casefold()]
    return sorted(found, key=lambda crowd: (-crowd.count, crowd.name))[: question.limit]


def clients_of(user: str | None, sessions: Iterable[Connected], limit: int) -> list[Client]:
    """Return the connections of *user*; none when nobody is asked for."""
    if user is None:
        return []
    found = [session for session in sessions if session.user == user][:limit]
    return [Client(session.client, session.user, sorted(session.subscriptions)) for session in found]
