"""The subscriptions that a token brings: all of them begin with the answer to connect, recovered from the streams."""

from __future__ import annotations

from tandem.publication import Position
from tandem_realtime.hub import Subscription
from tandem_realtime.hub.hub import Admission
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError, DisconnectClient
from tandem_realtime.protocol.results import SubscribeResult
from tandem_realtime.session import subscribing
from tandem_realtime.session.subscriber import Subscriber

MAX_ROUNDS = 5


class Coming:
    """One subscription on its way: what it has missed is read before it begins, so that it can begin at once."""

    def __init__(self, session: Subscriber, subscription: Subscription, since: Position | None) -> None:
        self.subscription = subscription
        self.since = since
        self._session = session
        self._known: Admission | None = None
        self._is_held = False

    async def prepare(self) -> None:
        """Ask the stream for what was missed up to now. Raises `RedisUnavailable` or `RedisReplyError`."""
        hub, name = self._session.runtime.hub, self.subscription.channel
        self._known = self._joined(await hub.subscribe(self.subscription, self._next))
        if self._is_held:
            hub.unsubscribe(self.subscription)
        else:
            hub.hold(self.subscription)
            self._is_held = True
        if self._session.runtime.namespaces.of(name).latest:
            await hub.remember_latest(name)

    def admit(self) -> Admission | None:
        """Begin, from memory; None where more was published since than is kept there."""
        more = self._session.runtime.hub.admit(self.subscription, self._next)
        return None if more is None else self._joined(more)

    def release(self) -> None:
        """Let the channel go: the subscription has begun, or never will."""
        if self._is_held:
            self._session.runtime.hub.release(self.subscription)

    @property
    def _next(self) -> Position | None:
        """From where on to ask: nobody asks again for what could not be recovered."""
        if self._known is None or self.since is None:
            return self.since
        return None if self._known.missed is None else self._known.position

    def _joined(self, more: Admission) -> Admission:
        known = self._known
        if known is None or known.missed is None or more.missed is None:
            return more
        return Admission(more.position, known.missed + more.missed)


async def begin_all(
    session: Subscriber, wanted: list[tuple[Subscription, Position | None]]
) -> dict[str, SubscribeResult]:
    """
    Begin every subscription *wanted*, in one turn of the event loop: no push may come before the answer to connect.

    Raises `DisconnectClient`, `CommandError`, `RedisUnavailable` or `RedisReplyError`; then none has begun.
    """
    coming = [Coming(session, subscription, since) for subscription, since in wanted]
    try:
        return await _begin_together(session, coming)
    finally:
        for each in coming:
            each.release()


async def _begin_together(session: Subscriber, coming: list[Coming]) -> dict[str, SubscribeResult]:
    unready = coming
    for _ in range(MAX_ROUNDS):
        for each in unready:
            await each.prepare()
        if session.is_gone:
            raise DisconnectClient(codes.STALE)
        admitted = [(each, each.admit()) for each in coming]
        unready = [each for each, admission in admitted if admission is None]
        if not unready:
            return {
                each.subscription.channel: subscribing.begin(
                    session, each.subscription, admission, is_recovering=each.since is not None
                )
                for each, admission in admitted
                if admission is not None
            }
        for each in coming:
            session.runtime.hub.unsubscribe(each.subscription)
    raise CommandError(codes.INTERNAL)  # publications come faster than they can be read: the client tries again
