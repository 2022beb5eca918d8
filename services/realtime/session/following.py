"""One-way connections: the address says which channels, from which positions on; there are no commands."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from realtime import metrics
from realtime.hub import Subscription
from realtime.protocol import codes
from realtime.protocol.codes import DisconnectClient
from realtime.protocol.replies import push_lost
from realtime.session import subscribing
from tandem.errors import InvalidChannel, RedisReplyError, RedisUnavailable, UnknownNamespace
from tandem.namespaces import may_subscribe
from tandem.publication import Position

if TYPE_CHECKING:
    from realtime.session.session import Session

logger = logging.getLogger(__name__)


async def follow(session: Session, channels: Sequence[str], since: Sequence[str]) -> None:
    """
    Serve *channels*, each from its position in *since* (``<epoch>:<offset>``, in the same order), if it has one.

    What was missed comes first. A client whose position is lost gets one message without data, ``"recovered": false``.
    """
    try:
        positions = [Position.parse(text) for text in since]
        _check(session, channels, positions)
        session.start()
        for index, channel in enumerate(dict.fromkeys(channels)):
            await _follow_one(session, channel, positions[index] if index < len(positions) else None)
    except DisconnectClient as stop:
        session.disconnect(stop.disconnect)
    except (InvalidChannel, UnknownNamespace, ValueError):
        session.disconnect(codes.BAD_REQUEST)
    except (RedisUnavailable, RedisReplyError) as error:
        logger.warning("session.redis", extra={"reason": str(error)})
        session.disconnect(codes.SERVER_ERROR)


def _check(session: Session, channels: Sequence[str], positions: Sequence[Position]) -> None:
    if not channels or len(positions) > len(channels) or len(channels) > session.runtime.options.max_subscriptions:
        raise DisconnectClient(codes.BAD_REQUEST)
    for channel in channels:
        namespace = session.runtime.namespaces.of(channel)
        if not may_subscribe(channel, namespace, session.user):
            raise DisconnectClient(codes.PERMISSION_DENIED)


async def _follow_one(session: Session, channel: str, since: Position | None) -> None:
    hub, namespace = session.runtime.hub, session.runtime.namespaces.of(channel)
    if namespace.latest:
        await hub.remember_latest(channel)
    subscription = Subscription(session, channel)
    admission = await hub.subscribe(subscription, since)
    if session.is_gone:
        hub.unsubscribe(subscription)
        return
    subscribing.begin(session, subscription, admission)
    missed = admission.missed or []
    if since is not None and namespace.has_history:
        metrics.recoveries["unrecovered" if admission.missed is None else "recovered"] += 1
        if admission.missed is None:
            session.send(push_lost(channel, admission.position))
    if namespace.latest and admission.missed is None:
        missed = hub.latest(channel)
    for publication in missed:
        session.write(session.encoding.encode(publication))
