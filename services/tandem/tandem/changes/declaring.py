"""``@tandem.broadcasts``: a model says to whom its changes go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db.models import Model
from django.db.models.signals import class_prepared

from tandem.changes import noticing, triggers
from tandem.changes.broadcast import Broadcast, add, broadcasts_of
from tandem.changes.serializing import serializer_of

M = TypeVar("M", bound=Model)

_abstract: dict[type[Model], Callable[[type[Model]], object]] = {}


def broadcasts(
    *, to: Callable[[Any], Iterable[str]], data: Any = None, triggers: bool = False
) -> Callable[[type[M]], type[M]]:
    """
    Let a model publish what becomes of its rows, when it is committed.

    *to* takes a row and returns the channels that hear of it; it is asked before a change and after, so that the list
    that a row left hears of it too. *data* is what they get of the row: a function of it, a serializer class, a schema,
    or the dotted path of one; without it they get no more than its key. With *triggers* PostgreSQL notices the changes,
    whoever makes them, and the outbox's worker tells of them. On an abstract model it holds for each that inherits it.
    Raises `TypeError` for a `to` or `data` that cannot be, `ValueError` for a second one on a model.
    """
    if not callable(to):
        raise TypeError(f"to is a function of the row that returns channels, not {to!r}")
    serialize = None if data is None else serializer_of(data)

    def declare(model: type[M]) -> type[M]:
        if model._meta.abstract:
            _abstract[model] = lambda concrete: _declare(Broadcast(concrete, to, serialize, triggers))
        else:
            _declare(Broadcast(model, to, serialize, triggers))
        return model

    return declare


def _declare(broadcast: Broadcast) -> None:
    add(broadcast)
    if broadcast.has_triggers:
        triggers.install(broadcast.model)
    else:
        noticing.save_in_transaction(broadcast.model)
        noticing.watch(broadcast.model)


def _inherit(sender: type[Model], **_: Any) -> None:
    """Have what inherits from such a model tell as it does."""
    for model in sender.__mro__[1:]:
        if model in _abstract:
            _abstract[model](sender)
    if any(not each.has_triggers for each in broadcasts_of(sender)):
        noticing.watch(sender)


class_prepared.connect(_inherit, dispatch_uid="tandem.changes")
