"""Notice what `save` and `delete` change, by Django's signals of the models that broadcast, and of no other."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connections, router, transaction
from django.db.models import Model
from django.db.models.fields import NOT_PROVIDED
from django.db.models.signals import post_save, pre_delete, pre_save

from tandem.changes.broadcast import Broadcast, broadcasts_of
from tandem.changes.telling import Change, is_noticed, notice

_PLACE = "tandem_before"
"""Where a row that is being saved keeps what was seen before: an attribute of Django's own state of it."""


class Seen(NamedTuple):
    """Which channels heard of a row before it was saved; None if it was not there."""

    broadcast: Broadcast
    channels: Sequence[str] | None


def watch(model: type[Model]) -> None:
    """Notice what changes in rows of *model* from now on."""
    for signal, receiver in ((pre_save, _before_save), (post_save, _after_save), (pre_delete, _before_delete)):
        signal.connect(receiver, sender=model, dispatch_uid="tandem.changes")


def save_in_transaction(model: type[Model]) -> None:
    """Have `save` of *model* be a transaction where there is none: the row and what tells of it, both or neither."""
    save_base = model.save_base

    @functools.wraps(save_base)
    def in_transaction(self: Model, *, using: str | None = None, **options: Any) -> None:
        using = using or router.db_for_write(type(self), instance=self)
        is_in_one = connections[using].in_atomic_block
        with contextlib.nullcontext() if is_in_one else transaction.atomic(using=using):
            save_base(self, using=using, **options)

    # Django opens one itself only where a model has two tables.
    model.save_base = in_transaction  # type: ignore[method-assign,assignment]  # it calls this by keywords alone


def _before_save(sender: type[Model], instance: Model, using: str, raw: bool, **_: Any) -> None:
    if raw:  # a fixture, which may come before what its rows point to
        return
    seen = [
        Seen(each, _channels_in_database(each, instance, using))
        for each in broadcasts_of(sender)
        if not is_noticed(each, instance.pk, using)
    ]
    setattr(instance._state, _PLACE, seen)


def _after_save(sender: type[Model], instance: Model, using: str, **_: Any) -> None:
    for seen in instance._state.__dict__.pop(_PLACE, ()):
        notice(Change(seen.broadcast, instance.pk, seen.channels), using)


def _before_delete(sender: type[Model], instance: Model, using: str, origin: Any = None, **_: Any) -> None:
    for each in broadcasts_of(sender):
        if not is_noticed(each, instance.pk, using):
            # What a queryset or a cascade deletes was read for it; what the caller holds may be old, or changed.
            is_fresh = origin is not instance
            channels = each.channels_of(instance) if is_fresh else _channels_in_database(each, instance, using)
            notice(Change(each, instance.pk, channels), using)


def _channels_in_database(broadcast: Broadcast, instance: Model, using: str) -> Sequence[str] | None:
    if instance.pk is None or (instance._state.adding and _makes_own_key(broadcast.model)):
        return None
    row = broadcast.locked_rows(using).filter(pk=instance.pk).first()
    return None if row is None else broadcast.channels_of(row)


def _makes_own_key(model: type[Model]) -> bool:
    """Tell of a key with a default: what is added under it is new, and Django does not look for it either."""
    key = model._meta.pk
    return key.default is not NOT_PROVIDED or getattr(key, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
