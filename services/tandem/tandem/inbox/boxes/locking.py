"""Rows that nobody else changes until the transaction ends."""

from __future__ import annotations

from typing import TypeVar

from django.db import connections
from django.db.models import F, Model, QuerySet

M = TypeVar("M", bound=Model)


def locked(rows: QuerySet[M], *, of: tuple[str, ...] = (), skip_locked: bool = False) -> QuerySet[M]:
    """
    Return *rows* so that whoever reads them locks them; with *skip_locked* without those that another has.

    SQLite has one writer at a time, and refuses a transaction that read first and then finds another's write: there
    this is a write, of nothing, and what is read after it stays as it is.
    """
    features = connections[rows.db].features
    if features.has_select_for_update:
        return rows.select_for_update(
            of=of if features.has_select_for_update_of else (),
            no_key=features.has_select_for_no_key_update,
            skip_locked=skip_locked and features.has_select_for_update_skip_locked,
        )
    key = rows.model._meta.pk.name
    rows.model._base_manager.using(rows.db).filter(pk=-1).update(**{key: F(key)})
    return rows
