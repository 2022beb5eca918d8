"""
Tokens and tickets for whoever asks: the user of a request, or a user that other code has logged in.

The views of ``tandem.urls`` answer with these. A project whose pages come from elsewhere (a mobile app, a page on
another origin behind Django REST framework) calls them in a view of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from asgiref.sync import sync_to_async

from tandem import conf
from tandem.auth import permissions
from tandem.auth.identity import identify
from tandem.tickets import create_ticket
from tandem.tokens import connection_token, subscription_token


def connection_token_for(who: Any, *, ttl: int | None = None, info: Any = None, channels: Sequence[str] = ()) -> str:
    """
    Make a connection token for *who* (a request or a user).

    It is valid for *ttl* seconds (``TANDEM["token_seconds"]``). *info* is shown in presence. *channels* are subscribed
    at connect, each if *who* may hear it. Raises `NotSignedIn`, what `subscription_token_for` raises, and `ValueError`
    for a *ttl* beyond ``TANDEM["revocation_seconds"]``: such a token could outlive what ends it.
    """
    identity = identify(who)
    for channel in channels:
        permissions.ask(identity, channel)
    return connection_token(
        _key(),
        identity.user_id,
        ttl=_ttl(ttl),
        info=info,
        channels=channels,
        session=identity.login,
        generation=identity.generation,
        namespaces=conf.declared_for(channels),
    )


def subscription_token_for(who: Any, channel: str, *, ttl: int | None = None) -> str:
    """
    Make a token that lets *who* (a request or a user) subscribe to *channel*, if its permission function says so.

    Raises `NotSignedIn`, `Refused`, `InvalidChannel`, what the function raises, and `ValueError` as
    `connection_token_for` does.
    """
    identity = identify(who)
    grant = permissions.ask(identity, channel)
    return subscription_token(
        _key(),
        identity.user_id,
        channel,
        ttl=_ttl(ttl),
        info=grant.info,
        generation=identity.generation,
        namespaces=conf.declared_for([channel]),
    )


def ticket_for(who: Any, channels: Sequence[str] = (), *, info: Any = None) -> str:
    """
    Make a ticket for *who* (a request or a user) that admits to *channels*, each if he may hear it.

    Its connection ends when a connection token's would. Raises what `subscription_token_for` raises, and
    `RedisUnavailable`.
    """
    identity = identify(who)
    for channel in channels:
        permissions.ask(identity, channel)
    return create_ticket(
        identity.user_id,
        session=identity.login,
        channels=channels,
        info=info,
        expire_at=int(time.time()) + conf.settings().token_seconds,
        generation=identity.generation,
        namespaces=conf.declared_for(channels),
    )


def _key() -> str:
    return conf.token_secrets()[0]


def _ttl(given: int | None) -> int:
    settings = conf.settings()
    ttl = settings.token_seconds if given is None else given
    if not 0 < ttl <= settings.revocation_seconds:
        most = settings.revocation_seconds
        raise ValueError(f"a token lives 1 to {most} s (TANDEM['revocation_seconds']), not {ttl}")
    return ttl


aconnection_token_for = sync_to_async(connection_token_for)
asubscription_token_for = sync_to_async(subscription_token_for)
aticket_for = sync_to_async(ticket_for)
