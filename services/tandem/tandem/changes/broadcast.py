"""What a model says of its changes: to which channels, and with which data. Every such model, by its class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Model, QuerySet

from tandem.changes.serializing import Serialize

ROWS_OF_ONE_QUERY = 500


class Broadcast(NamedTuple):
    """What `broadcasts` was told of a model."""

    model: type[Model]
    to: Callable[[Any], Iterable[str]]
    serialize: Serialize | None
    has_triggers: bool

    @property
    def name(self) -> str:
        """What publications call the model: ``orders.order``."""
        return self.model._meta.label_lower

    def channels_of(self, row: Model) -> tuple[str, ...]:
        """Return the channels that hear of *row* as it is. Raises `TypeError` where `to` returns something else."""
        channels = self.to(row)
        if isinstance(channels, str) or not isinstance(channels, Iterable):
            raise TypeError(f"`to` of {self.name} returned {channels!r}, not a list of channels")
        return tuple(dict.fromkeys(channels))

    def rows(self, using: str) -> QuerySet[Any]:
        """Return all rows: a manager that hides some hides no change."""
        return self.model._base_manager.using(using)

    def locked_rows(self, using: str) -> QuerySet[Any]:
        """
        Return all rows, locked as an UPDATE locks them.

        Else another transaction could move a row between the look at where it was and the change.
        """
        features = connections[using].features
        if not features.has_select_for_update:
            return self.rows(using)
        return self.rows(using).select_for_update(no_key=features.has_select_for_no_key_update)


_broadcasts: dict[type[Model], Broadcast] = {}


def add(broadcast: Broadcast) -> None:
    """Have the model tell of its changes. Raises `ValueError` for one that does already."""
    if broadcast.model in _broadcasts:
        raise ValueError(f"{broadcast.name} broadcasts already: name all its channels in one `to`")
    _broadcasts[broadcast.model] = broadcast


def broadcasts_of(model: type[Model]) -> list[Broadcast]:
    """Return what *model* and the models that it inherits from say."""
    return [_broadcasts[each] for each in model.__mro__ if each in _broadcasts]


def with_triggers() -> dict[str, Broadcast]:
    """Return the broadcasts that triggers notice, by the name of their table."""
    return {each.model._meta.db_table: each for each in _broadcasts.values() if each.has_triggers}


def parts(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Return *keys* in parts of as many as one query asks for."""
    for start in range(0, len(keys), ROWS_OF_ONE_QUERY):
        yield keys[start : start + ROWS_OF_ONE_QUERY]
