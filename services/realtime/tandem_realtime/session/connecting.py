"""Who a client is: connect, refresh and the server-side subscriptions that its token brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from tandem import __version__
from tandem.errors import ExpiredToken, InvalidToken
from tandem.publication import Position
from tandem.tokens import ConnectionClaims, claimed_user
from tandem_realtime.hub import Subscription
from tandem_realtime.observing.connection_log import REFUSED
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError, DisconnectClient
from tandem_realtime.protocol.commands import Command, Connect, Empty, Refresh
from tandem_realtime.protocol.results import ConnectResult, RefreshResult, SubscribeResult
from tandem_realtime.revocations import Bar
from tandem_realtime.session import subscribing
from tandem_realtime.session.expiry import ttl
from tandem_realtime.session.reports import take_report
from tandem_realtime.session.server_side import begin_all
from tandem_realtime.session.subscriber import Subscriber

ANONYMOUS = ConnectionClaims()


def connect(session: Subscriber, command: Connect) -> ConnectResult | Callable[[], Coroutine[Any, Any, ConnectResult]]:
    """
    Answer connect: identify the client, at once where Redis need not be asked; else return what will.

    Raises `DisconnectClient` for an invalid token, `CommandError` (109) for an expired one.
    """
    if session.is_connected:
        raise DisconnectClient(codes.BAD_REQUEST)
    if command.token and not session.runtime.clock.has_begun:
        return partial(_connect_by_clock, session, command)
    claims = _claims(session, command.token) if command.token else ANONYMOUS
    session.runtime.namespaces.adopt(claims.ns)
    session.identify(claims)
    if wanted := _server_side(session, claims, command):
        return partial(_connect_with, session, claims, wanted)
    return _connected(session, claims, {})


async def _connect_by_clock(session: Subscriber, command: Connect) -> ConnectResult:
    """Do so when it is known what time it is, as far as that is worth waiting for."""
    await session.runtime.clock.begun()
    claims = _claims(session, command.token)
    session.runtime.namespaces.adopt(claims.ns)
    session.identify(claims)
    return await _connect_with(session, claims, _server_side(session, claims, command))


async def _connect_with(
    session: Subscriber, claims: ConnectionClaims, wanted: list[tuple[Subscription, Position | None]]
) -> ConnectResult:
    """Begin the server-side subscriptions of a client that is identified, then let it in."""
    begun = await begin_all(session, wanted)
    for name, options in claims.subs.items():
        begun[name].data = options.data
    return _connected(session, claims, begun)


def _connected(session: Subscriber, claims: ConnectionClaims, subs: dict[str, SubscribeResult]) -> ConnectResult:
    session.start()
    session.opened()
    options = session.runtime.options
    return ConnectResult(
        client=session.client,
        version=f"tandem {__version__}{' INSECURE' if options.insecure else ''}",
        ping=int(options.ping_seconds),
        pong=True,
        time=time.time_ns() // 1_000_000,
        session=session.key,
        node=session.runtime.node if session.key else "",
        expires=bool(claims.exp),
        ttl=ttl(claims.exp, session.runtime.clock.now()),
        subs=subs,
    )


def refresh(session: Subscriber, command: Refresh) -> RefreshResult:
    """
    Answer refresh: a new token for the same user, maybe of a new login.

    Raises `DisconnectClient`: 3500 for an invalid token, and 3005 for an expired one. An SDK to which 109 is answered
    here gives up for good; one that is cut off fetches a token and comes back.
    """
    try:
        claims = _claims(session, command.token)
    except CommandError as error:
        raise DisconnectClient(codes.EXPIRED) from error
    if claims.sub != session.user:
        raise DisconnectClient(codes.INVALID_TOKEN, because="refreshed with the token of another user")
    session.identify(claims)
    session.reschedule()
    return RefreshResult(
        session.client, f"tandem {__version__}", bool(claims.exp), ttl(claims.exp, session.runtime.clock.now())
    )


def ping(session: Subscriber, command: Empty) -> Empty:
    """Answer the ping of an older client."""
    return command


def take_message(session: Subscriber, command: Command) -> None:
    """Take a message that wants no reply: it may be a delivery report."""
    if command.send is not None:
        take_report(session, bytes(command.send.data))


def _claims(session: Subscriber, token: str) -> ConnectionClaims:
    if session.runtime.options.insecure:
        return ANONYMOUS
    try:
        claims = session.runtime.verifier.connection(token)
    except ExpiredToken as error:
        raise _expired(session, error.user, str(error)) from error
    except InvalidToken as error:
        whose = {"user": error.user} if error.user else {"claimed_user": claimed_user(token)}
        raise DisconnectClient(codes.INVALID_TOKEN, because=str(error), **whose) from error
    match session.runtime.revocations.bar(claims, time.monotonic()):
        case Bar.ENDED:
            because = "the login or the user of this token was ended"
            raise DisconnectClient(codes.INVALID_TOKEN, because=because, user=claims.sub)
        case Bar.RENEWED:
            raise _expired(session, claims.sub, "the token is from before a change of password")
    return claims


def _expired(session: Subscriber, user: str, because: str) -> CommandError:
    """Return what a client is told that is to fetch another token, and have it logged."""
    if not session.is_connected:
        session.log(REFUSED, f"token expired: {because}", user=user, code=codes.TOKEN_EXPIRED.code)
    return CommandError(codes.TOKEN_EXPIRED)


def _server_side(
    session: Subscriber, claims: ConnectionClaims, command: Connect
) -> list[tuple[Subscription, Position | None]]:
    """Return the subscriptions that a client has from the start, and from where on."""
    runtime = session.runtime
    names = dict.fromkeys([*claims.subs, *claims.channels, *runtime.namespaces.personal_channels(claims.sub)])
    if len(names) > runtime.options.max_subscriptions:
        raise DisconnectClient(codes.CHANNEL_LIMIT)
    wanted: list[tuple[Subscription, Position | None]] = []
    for name in names:
        runtime.namespaces.of(name)
        at = command.subs.get(name)
        subscription = Subscription(session, name, is_server_side=True)
        subscription.member = session.client if runtime.namespaces.of(name).join_leave else ""
        if options := claims.subs.get(name):
            subscription.info = bytes(options.info)
        since = subscribing.position_of(at.epoch, at.offset) if at and at.recover else None
        wanted.append((subscription, since))
    return wanted
