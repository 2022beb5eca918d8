"""Who may hear a channel: a function of the project for each kind of channel. What nobody lets in stays out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from asgiref.sync import async_to_sync

from tandem import conf
from tandem.auth.errors import Refused
from tandem.auth.identity import Identity
from tandem.auth.patterns import Pattern
from tandem.errors import UnknownNamespace
from tandem.namespaces import check_channel, may_subscribe

F = TypeVar("F", bound=Callable[..., Any])

ASKERS = ("request", "user")


class Permission(NamedTuple):
    """A function that says who may hear the channels of a pattern."""

    pattern: Pattern
    function: Callable[..., Any]
    asker: str
    """The name of the function's parameter that is who asks: ``request``, ``user``, or empty for neither."""


class Grant(NamedTuple):
    """That somebody may hear a channel, and what presence shows of him there."""

    info: Any = None


_permissions: dict[str, Permission] = {}


def channel(pattern: str, **options: Any) -> Callable[[F], F]:
    """
    Let a function say who may hear the channels that fit *pattern*, for example ``order:{pk}``.

    The function is called with ``request`` or ``user`` (whichever it has as a parameter) and the parts of the name; it
    may be async. It returns True, what presence shows of the user (a dict), or anything false to refuse. *options* are
    those of the pattern's namespace (`history_size`, `presence` ...), which this declares; without any it has a history
    from which its subscribers recover. Raises `ValueError` for a pattern or options that cannot be, and `TypeError` for
    a function that does not take the parts.
    """

    def register(function: F) -> F:
        signature = inspect.signature(function)
        made = Pattern(pattern, {name: each.annotation for name, each in signature.parameters.items()})
        asker = _asker(made, signature)
        conf.declare_namespace(made.namespace, options)
        _permissions[pattern] = Permission(made, function, asker)
        return function

    return register


def permissions() -> list[Permission]:
    """Return every permission, in the order in which they were written."""
    return list(_permissions.values())


def ask(who: Identity, channel: str) -> Grant:
    """
    Return the grant of *who* to hear *channel*, as its permission function or its namespace says.

    Raises `Refused`, `InvalidChannel`, whatever the function raises, or `TypeError` for one that wants a request where
    there is none.
    """
    check_channel(channel)
    for permission in _permissions.values():
        if (parts := permission.pattern.match(channel)) is not None:
            return _ask(permission, who, channel, parts)
    try:
        is_open = may_subscribe(channel, conf.namespaces().of(channel), who.user_id)
    except UnknownNamespace:
        is_open = False
    if not is_open:
        raise Refused(f"nobody may hear {channel}: no pattern fits it")
    return Grant()


def _ask(permission: Permission, who: Identity, channel: str, parts: Mapping[str, Any]) -> Grant:
    given = dict(parts)
    if permission.asker == "request":
        if who.request is None:
            raise TypeError(f"the function of {permission.pattern.text!r} wants a request: mint with one")
        given["request"] = who.request
    elif permission.asker == "user":
        given["user"] = who.user
    function = permission.function
    answer = async_to_sync(function)(**given) if inspect.iscoroutinefunction(function) else function(**given)
    if inspect.isawaitable(answer):  # would count as true
        raise TypeError(f"the function of {permission.pattern.text!r} returned something to await: write async def")
    if answer is not None and not isinstance(answer, bool | Mapping):
        kind = type(answer).__name__
        raise TypeError(f"the function of {permission.pattern.text!r} returned a {kind}, not a bool or a dict")
    if answer is None or answer is False:
        raise Refused(f"{channel} is not for this user")
    return Grant() if answer is True else Grant(dict(answer))


def _asker(pattern: Pattern, signature: inspect.Signature) -> str:
    parameters = signature.parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    missing = [name for name in pattern.parts if name not in parameters and not takes_any]
    needed = [
        name
        for name, each in parameters.items()
        if each.default is each.empty
        and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        and name not in (*pattern.parts, *ASKERS)
    ]
    if missing or needed:
        raise TypeError(
            f"the function of {pattern.text!r} takes request or user, and {', '.join(pattern.parts) or 'no part'}"
        )
    return next((name for name in ASKERS if name in parameters), "")
