"""Who may see a block: who may hear its channel, asked anew each time."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from tandem import conf
from tandem.auth.errors import NotSignedIn, Refused
from tandem.auth.identity import Identity, identify_for_now
from tandem.auth.permissions import ask, permissions
from tandem.errors import UnknownNamespace
from tandem.live.errors import NotShown
from tandem.namespaces import Namespace, namespace_name


def require_right(request: HttpRequest, channel: str) -> None:
    """
    Ask the channel's permission function, or its namespace, whether who asks may hear it.

    Raises `NotShown`, `ImproperlyConfigured` where neither says anything, `InvalidChannel`, and what a function raises.
    """
    has_function = any(each.pattern.match(channel) is not None for each in permissions())
    if not has_function and not _is_open(_namespace_of(channel)):
        name = namespace_name(channel)
        raise ImproperlyConfigured(
            f"{{% live %}}: nobody says who may hear {channel}: write a function, @tandem.channel({name + ':{pk}'!r})"
        )
    try:
        ask(_identity(request, has_function=has_function), channel)
    except NotSignedIn as error:
        raise NotShown("logged out", f"{channel}: {error}") from error
    except Refused as error:
        raise NotShown("not allowed", str(error)) from error


def _identity(request: HttpRequest, *, has_function: bool) -> Identity:
    """Return who asks. What a namespace opens to anyone needs no login; a function is asked about whom tokens name."""
    user = getattr(request, "user", None)
    is_anonymous = user is None or not user.is_authenticated
    return Identity(user, request) if is_anonymous and not has_function else identify_for_now(request)


def _namespace_of(channel: str) -> Namespace | None:
    try:
        return conf.namespaces().of(channel)
    except UnknownNamespace:
        return None


def _is_open(namespace: Namespace | None) -> bool:
    return namespace is not None and (namespace.subscribe is not None or namespace.personal)
