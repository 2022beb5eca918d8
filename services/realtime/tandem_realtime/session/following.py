"""One-way connections: the address says which channels, from which positions on; there are no commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.namespaces import Namespaces, may_subscribe
from tandem.publication import Position
from tandem_realtime.hub import Subscription
from tandem_realtime.hub.hub import Admission
from tandem_realtime.observing import metrics
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError
from tandem_realtime.protocol.plain import push_lost
from tandem_realtime.session import subscribing
from tandem_realtime.session.failures import tell_redis
from tandem_realtime.session.subscriber import Subscriber

LOST = Position("_", 0)  # no epoch is that short

Wanted = Mapping[str, Position | None]
"""Channels, each with the position from which on it is wanted, None for from now on."""


def wanted(channels: Sequence[str], since: Sequence[str]) -> Wanted:
    """
    Read an address: each channel with its position in *since* (``<epoch>:<offset>``, in the same order), if it has one.

    Raises `CommandError` for what is malformed.
    """
    if not channels or len(since) > len(channels) or len(set(channels)) < len(channels):
        raise CommandError(codes.BAD_COMMAND)
    try:
        positions = [Position.parse(text) if text else None for text in since]
    except ValueError as error:
        raise CommandError(codes.BAD_COMMAND) from error
    return dict(zip(channels, positions + [None] * (len(channels) - len(since)), strict=True))


def resumed(channels: Sequence[str], event_id: str) -> Wanted:
    """
    Read a Last-Event-ID: a position for each channel, with commas between.

    What is not ours to read counts as a position that is lost: an EventSource that is refused never comes back.
    """
    try:
        return wanted(channels, event_id.split(","))
    except CommandError:
        return {**wanted(channels, ()), **dict.fromkeys(channels, LOST)}


def check(
    channels: Collection[str], namespaces: Namespaces, *, user: str, admitted: Collection[str] = (), limit: int
) -> None:
    """
    Find out whether *user* may hear *channels*; to those *admitted* anyone may listen who came this far.

    Raises `CommandError`, `UnknownNamespace` or `InvalidChannel`.
    """
    if len(channels) > limit:
        raise CommandError(codes.BAD_COMMAND)
    for channel in channels:
        namespace = namespaces.of(channel)
        if channel not in admitted and not may_subscribe(channel, namespace, user):
            raise CommandError(codes.DENIED)


class Reader(Protocol):
    """What a transport says of a channel beside its publications."""

    def begin(self, channel: str, position: Position, *, has_history: bool) -> bytes:
        """Encode where *channel* begins."""

    def lost(self, channel: str, position: Position) -> bytes:
        """Encode that what was missed cannot be told."""


async def follow(session: Subscriber, wanted: Wanted, reader: Reader | None = None) -> None:
    """
    Serve the channels *wanted*, which were checked.

    What was missed comes first. A client whose position is lost gets one message without data, ``"recovered": false``,
    or what *reader* says in its place. How *reader* begins a channel is sent after what was missed.
    """
    session.start()
    session.opened()
    try:
        for channel, since in wanted.items():
            await _follow_one(session, channel, since, reader)
    except (RedisUnavailable, RedisReplyError) as error:
        tell_redis(error)
        session.disconnect(codes.SERVER_ERROR)


async def _follow_one(session: Subscriber, channel: str, since: Position | None, reader: Reader | None) -> None:
    hub, namespace = session.runtime.hub, session.runtime.namespaces.of(channel)
    if namespace.latest:
        await hub.remember_latest(channel)
    subscription = Subscription(session, channel)
    admission = await hub.subscribe(subscription, since)
    if session.is_gone:
        hub.unsubscribe(subscription)
        return
    subscribing.begin(session, subscription, admission)
    if since is not None and namespace.has_history:
        _count_recovery(session, channel, admission, reader)
    missed = admission.missed or []
    if namespace.latest and admission.missed is None:
        missed = hub.latest(channel)
    for publication in missed:
        session.write(session.encoding.encode(publication))
    if reader is not None and (begun := reader.begin(channel, admission.position, has_history=namespace.has_history)):
        session.write(begun)


def _count_recovery(session: Subscriber, channel: str, admission: Admission, reader: Reader | None) -> None:
    metrics.recoveries["unrecovered" if admission.missed is None else "recovered"] += 1
    if admission.missed is None and reader is not None:
        session.write(reader.lost(channel, admission.position))
    elif admission.missed is None:
        session.send(push_lost(channel, admission.position))
