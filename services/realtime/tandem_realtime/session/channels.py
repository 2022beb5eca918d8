"""What a client may ask about a channel: publish, history, presence."""

from __future__ import annotations

import msgspec

from tandem.errors import PublicationTooLarge, UnrecoverablePosition
from tandem.namespaces import Namespace
from tandem.publisher import Draft, publish_call
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError
from tandem_realtime.protocol.commands import Call, Empty, History, InChannel, Publish
from tandem_realtime.protocol.results import HistoryResult, PresenceResult, PresenceStats, told
from tandem_realtime.session.subscriber import Subscriber
from tandem_realtime.session.subscribing import position_of


async def publish(session: Subscriber, command: Publish) -> Empty:
    """
    Publish to a channel that the client subscribes to, where the namespace lets subscribers publish.

    Raises `CommandError`, and `PublishingPaused` during a pause.
    """
    namespace = _namespace(session, command.channel)
    _demand(session, command.channel, namespace.publish)
    if not bytes(command.data):
        raise CommandError(codes.BAD_COMMAND)
    info = session.client_info(session.subscriptions.get(command.channel))
    try:
        call = publish_call(Draft(command.channel, command.data), info=info)
    except PublicationTooLarge as error:
        raise CommandError(codes.LIMIT_EXCEEDED) from error
    if session.runtime.pausing.is_on:
        await session.runtime.pausing.refuse()
    await session.runtime.shards.run(command.channel, call)
    return Empty()


async def history(session: Subscriber, command: History) -> HistoryResult:
    """Tell the recent publications of a channel, by pages. Raises `CommandError`."""
    namespace = _namespace(session, command.channel)
    if not namespace.has_history:
        raise CommandError(codes.NOT_AVAILABLE)
    _demand(session, command.channel, namespace.read_history)
    since = position_of(command.since.epoch, command.since.offset) if command.since else None
    if command.limit < -1:
        raise CommandError(codes.BAD_COMMAND)
    try:
        found = await session.runtime.costly.history(command.channel, since, command.limit, reverse=command.reverse)
    except UnrecoverablePosition as error:
        raise CommandError(codes.UNRECOVERABLE) from error
    return HistoryResult(found.position.epoch, found.position.offset, told(found.publications))


async def presence(session: Subscriber, command: InChannel) -> PresenceResult:
    """Tell who is in a channel. Raises `CommandError`."""
    _demand_presence(session, command.channel)
    present = await session.runtime.presence.of(command.channel)
    return PresenceResult({client: msgspec.Raw(info) for client, info in present.items()})


async def presence_stats(session: Subscriber, command: InChannel) -> PresenceStats:
    """Tell how many are in a channel. Raises `CommandError`."""
    _demand_presence(session, command.channel)
    return PresenceStats(*await session.runtime.presence.stats(command.channel))


def rpc(session: Subscriber, command: Call) -> Empty:
    """Refuse: no method is registered."""
    raise CommandError(codes.METHOD_NOT_FOUND)


def _namespace(session: Subscriber, channel: str) -> Namespace:
    return session.runtime.namespaces.of(channel)


def _demand(session: Subscriber, channel: str, who: str | None) -> None:
    if session.runtime.options.insecure:
        return
    if who != "subscribers" or channel not in session.subscriptions:
        raise CommandError(codes.DENIED)


def _demand_presence(session: Subscriber, channel: str) -> None:
    namespace = _namespace(session, channel)
    if not namespace.presence:
        raise CommandError(codes.NOT_AVAILABLE)
    _demand(session, channel, namespace.read_presence)
