"""
The kinds of notifications that a project declares, in its apps' ``notifications.py``.

::

    @tandem.inbox.kind("order.shipped")
    class OrderShipped:
        title = _("Order {{ data.number }} is on its way")
        category = "orders"
        media = ("inbox", "email")
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, TypeVar

from tandem.inbox.errors import UnknownKind

C = TypeVar("C", bound=type)


class Kind:
    """
    What a kind is like, unless it says otherwise.

    `title` and `body` are Django template texts, or lazy translations of such: they see ``actor``, ``target``,
    ``data``, ``count`` and ``others`` (one less). `media` are those by which it comes to who has no preference.
    """

    name = ""
    label: Any = ""
    """What the preferences call it; the name unless given."""
    title: Any = ""
    body: Any = ""
    category = ""
    category_label: Any = ""
    severity = "info"
    media: Iterable[str] = ("inbox",)
    is_critical = False
    """Whether it comes by all its media to everybody, whatever he prefers."""
    email_after = timedelta(minutes=10)
    """How long it may stay unseen before an email goes."""

    def should_notify(self, recipient: Any, message: Any) -> bool:
        """Tell whether *recipient* is to be notified of *message* at all. Asked in the transaction, for each."""
        return True

    def prepare_email(self, email: Any, outgoing: Any) -> Any:
        """Return *email* (Django's), made ready to go: give it HTML, another sender, attachments."""
        return email


_kinds: dict[str, Kind] = {}


def kind(name: str) -> Callable[[C], C]:
    """
    Declare the kind *name*: the attributes of the decorated class are those of `Kind`.

    Raises `TypeError` for an attribute that a kind has not, and `ValueError` for a name that another class has.
    """

    def register(declared: C) -> C:
        unknown = [each for each in vars(declared) if not each.startswith("_") and not hasattr(Kind, each)]
        if unknown:
            close = difflib.get_close_matches(unknown[0], [each for each in vars(Kind) if each[0] != "_"], n=1)
            raise TypeError(f"kind {name!r} has no {unknown[0]!r}{f': did you mean {close[0]!r}?' if close else ''}")
        former = _kinds.get(name)
        if former is not None and (type(former).__module__, type(former).__qualname__) != (
            declared.__module__,
            declared.__qualname__,
        ):
            raise ValueError(f"kind {name!r} is declared by {type(former).__module__}.{type(former).__qualname__} too")
        whole = declared if issubclass(declared, Kind) else _with_defaults(declared)
        made: Kind = whole()
        _check(name, made)
        made.name = name
        made.media = tuple(made.media)
        _kinds[name] = made
        return declared

    return register


def find(name: str) -> Kind:
    """Return the kind *name*. Raises `UnknownKind`."""
    if name not in _kinds:
        close = difflib.get_close_matches(str(name), _kinds, n=1)
        raise UnknownKind(name, f": did you mean {close[0]!r}?" if close else "")
    return _kinds[name]


def asks_each(kind: Kind) -> bool:
    """Tell whether each recipient of *kind* is asked for: `should_notify` is the project's own."""
    return type(kind).should_notify is not Kind.should_notify


def declared() -> list[Kind]:
    """Return every kind, in the order in which they were declared."""
    return list(_kinds.values())


def forget(name: str) -> None:
    """Take a kind back: for tests."""
    _kinds.pop(name, None)


def categories() -> dict[str, str]:
    """Return the categories of all kinds, each with its label in the active language."""
    found: dict[str, str] = {}
    for each in _kinds.values():
        if each.category:
            label = str(each.category_label) or found.get(each.category) or each.category.replace("_", " ").capitalize()
            found[each.category] = label
    return found


def _with_defaults(declared: type) -> type[Any]:
    attributes = {"__module__": declared.__module__, "__qualname__": declared.__qualname__, "__doc__": declared.__doc__}
    return type(declared.__name__, (declared, Kind), attributes)


def _check(name: str, made: Kind) -> None:
    if not name or len(name) > 100:
        raise ValueError(f"a kind's name has 1 to 100 characters, not {len(name)}")
    if len(made.category) > 50:
        raise ValueError(f"kind {name!r}: a category has at most 50 characters")
    if made.severity not in ("info", "success", "warning", "error"):
        raise ValueError(f"kind {name!r}: severity is info, success, warning or error, not {made.severity!r}")
    if isinstance(made.media, str):
        raise TypeError(f"kind {name!r}: media is a list, for example ['inbox', 'email']")
