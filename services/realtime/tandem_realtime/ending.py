"""Which connections and subscriptions live on something that was revoked, and how each ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from tandem.revocations import Revocation
from tandem_realtime.protocol import codes
from tandem_realtime.session.session import Session
from tandem_realtime.sessions import Sessions

RENEWAL_SECONDS = 0.5
"""
How long a connection whose password was changed stays before it is sent for another token.

The change was told when it was committed, maybe before its response has given the browser its new session.
"""


def ended_by(revocation: Revocation, sessions: Sessions[Session]) -> Iterator[Callable[[], object]]:
    """Return what is to be done, one act for each connection that *revocation* concerns."""
    kind, _, name = revocation.subject.partition(" ")
    below = revocation.generation
    match kind:
        case "user":
            for session in _older(sessions.of_user(name), below):
                yield partial(session.disconnect, codes.INVALID_TOKEN)
        case "password":
            for session in _older(sessions.of_user(name), below):
                yield partial(asyncio.get_running_loop().call_later, RENEWAL_SECONDS, _renew, session, below)
        case "login":
            for session in sessions.of_login(name):
                yield partial(session.disconnect, codes.INVALID_TOKEN)
        case "token":
            token, _, user = name.partition(" ")
            for session in sessions.of_user(user) if user else list(sessions.values()):
                if session.token == token:
                    yield partial(session.disconnect, codes.INVALID_TOKEN)
        case "channel":
            channel, _, user = name.partition(" ")
            for session in sessions.of_user(user):
                subscription = session.subscriptions.get(channel)
                if subscription is not None and subscription.generation < below:
                    yield partial(take_channel, session, channel)


def _older(sessions: list[Session], below: int) -> list[Session]:
    return [session for session in sessions if session.generation < below]


def _renew(session: Session, below: int) -> None:
    if session.generation < below:  # else it has another token by now
        session.disconnect(codes.EXPIRED)


def take_channel(session: Session, channel: str) -> None:
    """End the subscription of *session* to *channel*: it does not come back by itself."""
    if session.is_plain:  # cannot be told about one channel
        session.disconnect(codes.FORCE_DISCONNECT)
    elif channel in session.subscriptions:
        session.end_subscription(session.subscriptions[channel], codes.BY_SERVER)
