"""From what was noticed in a transaction to its publications, when it is about to commit: the row is read then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db.models import Model

from tandem.changes.broadcast import Broadcast, parts
from tandem.changes.judgement import events
from tandem.outbox.batch import is_noted, note
from tandem.publisher import Draft


class Change(NamedTuple):
    """That something happened to a row, and the channels that heard of it before; None if it was not there."""

    broadcast: Broadcast
    pk: Any
    before: Sequence[str] | None


def is_noticed(broadcast: Broadcast, pk: Any, using: str) -> bool:
    """Tell whether a change of this row will be told already when the current transaction commits."""
    return is_noted(_key(broadcast, pk), using=using)


def notice(change: Change, using: str) -> None:
    """Tell of *change* when the current transaction commits; at once outside of one."""
    note(tell, change, key=_key(change.broadcast, change.pk), using=using)


def tell(using: str, changes: Iterable[Change]) -> Iterator[Draft]:
    """Return the publications of *changes*: the first of each row says how it was, the database how it is."""
    first: dict[type[Model], dict[Any, Change]] = {}
    for change in changes:
        first.setdefault(change.broadcast.model, {}).setdefault(change.pk, change)
    for by_pk in first.values():
        for pks in parts(list(by_pk)):
            broadcast = by_pk[pks[0]].broadcast
            rows = {row.pk: row for row in broadcast.rows(using).filter(pk__in=pks)}
            for pk in pks:
                yield from _drafts(by_pk[pk], rows.get(pk))


def _drafts(change: Change, row: Model | None) -> Iterator[Draft]:
    broadcast = change.broadcast
    after = None if row is None else broadcast.channels_of(row)
    without_data = {"model": broadcast.name, "pk": change.pk}
    body = without_data
    if after and broadcast.serialize is not None:
        body = {**without_data, "data": broadcast.serialize(row)}
    for channel, event in events(change.before, after).items():
        # Who may hear the list that a row left may not be who may read the row.
        yield Draft(channel, {"event": event, **(body if channel in (after or ()) else without_data)})


def _key(broadcast: Broadcast, pk: Any) -> tuple[type[Model], Any]:
    return broadcast.model, pk
