"""Who may hear a channel, and from which position on: subscribe, unsubscribe, sub_refresh."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from tandem import control
from tandem.errors import ExpiredToken, InvalidToken, TandemError
from tandem.namespaces import Namespace, check_channel, may_subscribe
from tandem.publication import NOTHING, Position, Publication
from tandem.tokens import SubscriptionClaims
from tandem_realtime.hub import Subscription
from tandem_realtime.hub.batch import select
from tandem_realtime.hub.hub import Admission
from tandem_realtime.observing import metrics
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError
from tandem_realtime.protocol.commands import Empty, InChannel, SubRefresh, Subscribe
from tandem_realtime.protocol.encodings import Deltas, Encoding
from tandem_realtime.protocol.results import SubRefreshResult, SubscribeResult, told
from tandem_realtime.protocol.unserved import REJECT_UNRECOVERED
from tandem_realtime.session.expiry import deadline, ttl
from tandem_realtime.session.pages import pages
from tandem_realtime.session.subscriber import FollowUp, Subscriber

logger = logging.getLogger(__name__)

BURST = 128
MAX_OFFSET = 2**53  # Redis computes with doubles


def subscribe(
    session: Subscriber, command: Subscribe
) -> SubscribeResult | Callable[[], Coroutine[Any, Any, SubscribeResult]]:
    """
    Answer subscribe, at once where the hub's memory can; else return what will.

    Raises `CommandError`, `UnknownNamespace` or `InvalidChannel`.
    """
    since = position_of(command.epoch, command.offset) if command.recover else None
    claims = _permission(session, command)
    namespace = session.runtime.namespaces.of(command.channel)
    if since is not None and command.flag & REJECT_UNRECOVERED and not namespace.has_history:
        raise CommandError(codes.NOT_AVAILABLE)
    if command.channel in session.subscriptions:
        raise CommandError(codes.ALREADY_SUBSCRIBED)
    if len(session.subscriptions) >= session.runtime.options.max_subscriptions:
        raise CommandError(codes.LIMIT_EXCEEDED)
    subscription = Subscription(session, command.channel)
    subscription.member = session.client if namespace.join_leave else ""
    subscription.encoding = _encoding(session, command, namespace)
    if claims is not None:
        subscription.expires = deadline(claims.exp, session.runtime.clock.now())
        subscription.info = bytes(claims.info)
        subscription.generation = claims.gen
    session.keep(subscription)
    if not namespace.latest and (admission := session.runtime.hub.admit(subscription, since)):
        return begin(session, subscription, admission, command=command)
    return partial(_subscribe_later, session, subscription, since, command)


def unsubscribe(session: Subscriber, command: InChannel) -> Empty:
    """Answer unsubscribe, also for a channel that the client is not subscribed to."""
    if subscription := session.subscriptions.get(command.channel):
        session.drop(subscription, is_final=True)
    return Empty()


def sub_refresh(session: Subscriber, command: SubRefresh) -> SubRefreshResult:
    """
    Answer sub_refresh: a new token for the same channel.

    Raises `CommandError`; a token that has expired is a temporary error: the SDKs fetch another, and go on. Where a
    command names no channel (centrifuge-python's until 0.4) its token does.
    """
    try:
        claims = _verify(session, command.channel, command.token)
    except ExpiredToken as error:
        raise CommandError(codes.TOKEN_EXPIRED._replace(temporary=True)) from error
    if (subscription := session.subscriptions.get(claims.channel)) is None:
        raise CommandError(codes.DENIED)
    subscription.expires = deadline(claims.exp, session.runtime.clock.now())
    subscription.generation = claims.gen
    session.reschedule()
    return SubRefreshResult(bool(claims.exp), ttl(claims.exp, session.runtime.clock.now()))


def position_of(epoch: str, offset: int) -> Position:
    """Return the position that a client says it stands at. Raises `CommandError` (107) for what cannot be one."""
    if not 0 <= offset < MAX_OFFSET:
        raise CommandError(codes.BAD_COMMAND)
    return Position(epoch, offset)


def begin(
    session: Subscriber,
    subscription: Subscription,
    admission: Admission,
    *,
    command: Subscribe | None = None,
    is_recovering: bool = False,
) -> SubscribeResult:
    """
    Take note that a subscription has begun, and describe it.

    Raises `CommandError` (112) where the client wants none that has not recovered; then it has ended.
    """
    is_recovering = is_recovering or bool(command and command.recover)
    if is_recovering and admission.missed is None and command and command.flag & REJECT_UNRECOVERED:
        metrics.recoveries["unrecovered"] += 1
        session.drop(subscription)
        raise CommandError(codes.UNRECOVERABLE)
    session.keep(subscription)
    namespace = session.runtime.namespaces.of(subscription.channel)
    asked = bool(command and (command.recoverable or command.recover or command.positioned))
    result = SubscribeResult(was_recovering=is_recovering)
    if namespace.has_history and (namespace.recovery or asked or is_recovering):
        result.recoverable = result.positioned = True
        result.epoch, result.offset = admission.position
    if is_recovering and namespace.has_history:
        result.recovered = admission.missed is not None
        metrics.recoveries["recovered" if result.recovered else "unrecovered"] += 1
    result.delta = subscription.encoding.deltas is not None
    publications = admission.missed or []
    if namespace.latest and not publications and not result.recovered:
        publications = session.runtime.hub.latest(subscription.channel)
    first, *rest = pages(publications, session.runtime.options.recovery_page_bytes)
    if rest and not session.is_plain:
        _follow_up(session, subscription, rest)
        result.offset = first[-1].offset
    result.publications = told(select(subscription.encoding.wanted, first), has_delta=result.delta)
    if subscription.expires:
        result.expires, result.ttl = True, max(1, int(subscription.expires - time.monotonic()))
        session.reschedule()
    if session.user or not session.is_plain:  # a page of nobody in particular only listens
        info = partial(session.client_info, subscription)
        session.runtime.presence.entered(subscription.channel, session.client, session.user, info, namespace)
    if subscription.member:  # behind the answer
        asyncio.get_running_loop().call_soon(_tell_own_join, session, subscription)
    return result


def _tell_own_join(session: Subscriber, subscription: Subscription) -> None:
    """Tell a client that it has come: always, while the others hear nothing of a user who is back in a moment."""
    if session.subscriptions.get(subscription.channel) is subscription:
        info = session.client_info(subscription)
        session.send(session.dialect.push_membership("join", subscription.channel, info))


def _follow_up(session: Subscriber, subscription: Subscription, rest: Sequence[Sequence[Publication]]) -> None:
    """Have the pages after the first go out behind the answer, all of their publications whole."""
    for page in rest:
        wanted = select(subscription.encoding.wanted, page)
        session.follow_up(FollowUp(partial(_whole, subscription.encoding, wanted), sum(len(p.data) for p in wanted)))


def _whole(encoding: Encoding, publications: Iterable[Publication]) -> list[bytes]:
    return [piece for publication in publications for piece in encoding.whole(publication)]


async def _subscribe_later(
    session: Subscriber, subscription: Subscription, since: Position | None, command: Subscribe
) -> SubscribeResult:
    hub = session.runtime.hub
    try:
        if session.runtime.namespaces.of(command.channel).latest:
            await hub.remember_latest(command.channel)
        admission = await hub.subscribe(subscription, since)
    except BaseException:
        session.drop(subscription)
        raise
    if session.is_gone or session.subscriptions.get(command.channel) is not subscription:
        # It was taken back while Redis was asked, and whoever did that has told the client, or will.
        session.drop(subscription)
        return SubscribeResult()
    return begin(session, subscription, admission, command=command)


async def subscribe_by_server(session: Subscriber, given: control.Subscribe) -> None:
    """Give the client a channel that it did not ask for, and tell it. It may have it already."""
    channel = given.channel
    since = Position(given.epoch, given.offset) if given.epoch or given.offset else None
    if channel in session.subscriptions or len(session.subscriptions) >= session.runtime.options.max_subscriptions:
        return
    subscription = Subscription(session, channel, is_server_side=True)
    subscription.info = given.info
    subscription.expires = deadline(given.expire_at, session.runtime.clock.now())
    session.keep(subscription)
    try:
        subscription.member = session.client if session.runtime.namespaces.of(channel).join_leave else ""
        result = await _subscribe_later(session, subscription, since, Subscribe(channel, recover=since is not None))
    except (CommandError, TandemError) as error:
        session.drop(subscription)
        logger.warning("session.not_subscribed", extra={"channel": channel, "reason": str(error)})
        return
    if session.subscriptions.get(channel) is not subscription:  # taken back meanwhile
        return
    result.data = msgspec.Raw(given.data) if given.data else NOTHING
    session.send(session.dialect.push_subscribe(channel, result))
    for publication in result.publications.told:
        session.send(session.dialect.push_publication(publication))
    session.send_rest()


def _encoding(session: Subscriber, command: Subscribe, namespace: Namespace) -> Encoding:
    """Return how this subscription is told publications. Raises `CommandError` (107) for a filter that may not be."""
    if command.tf is not None:
        if not namespace.tags_filter:
            raise CommandError(codes.BAD_COMMAND._replace(message="bad request: no filters in this namespace"))
        return session.encoding._replace(wanted=command.tf)
    if command.delta and namespace.delta:
        return session.encoding._replace(deltas=Deltas.FIRST)
    return session.encoding


def _permission(session: Subscriber, command: Subscribe) -> SubscriptionClaims | None:
    if session.runtime.options.insecure:
        return None
    if command.token:
        check_channel(command.channel)
        try:
            return _verify(session, command.channel, command.token)
        except ExpiredToken as error:
            raise CommandError(codes.TOKEN_EXPIRED) from error
    if not may_subscribe(command.channel, session.runtime.namespaces.of(command.channel), session.user):
        raise CommandError(codes.DENIED)
    return None


def _verify(session: Subscriber, channel: str, token: str) -> SubscriptionClaims:
    try:
        claims = session.runtime.verifier.subscription(token)
    except ExpiredToken:
        raise
    except InvalidToken as error:
        raise CommandError(codes.DENIED) from error
    if claims.channel != (channel or claims.channel) or claims.sub != session.user:
        raise CommandError(codes.DENIED)
    revocations, now = session.runtime.revocations, time.monotonic()
    if revocations.bars_channel(claims.channel, claims.sub, claims.gen, now):
        raise ExpiredToken("what this token says was revoked")
    session.runtime.namespaces.adopt(claims.ns)
    return claims
