"""The rules of counters, and the only caller of the publisher."""

from __future__ import annotations

import re

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

import tandem
from api.counters.models import NAME_PATTERN, Counter
from tandem.request_log import current_request_id

SMALLEST, LARGEST = -(2**63), 2**63 - 1


class UnknownCounter(LookupError):
    """No counter has that name."""


class OutOfRange(ValueError):
    """The value would leave 64 bits."""


def channel_for(name: str) -> str:
    """Return the channel that carries the changes of the counter *name*."""
    return f"public:counter.{name}"


def find(name: str) -> Counter:
    """Return the counter *name*, or raise `UnknownCounter`."""
    if counter := _rows(name).first():
        return counter
    raise UnknownCounter(f"there is no counter {name[:64]!r}")


def find_with_position(name: str) -> tuple[Counter, tandem.Position | None]:
    """
    Return the counter *name* and a position of its channel that is not later than the row.

    Who subscribes from there misses nothing; what was published in between arrives twice and has the same version. The
    position is None while Redis is down. Raises `UnknownCounter`.
    """
    find(name)  # first: asking for the position of a channel makes its stream
    position = tandem.position(channel_for(name))
    return find(name), position


def increment(name: str, by: int = 1) -> Counter:
    """
    Add *by*, which may be negative, and publish the new value once that is committed.

    Raises `UnknownCounter`, or `OutOfRange` when *by* or the sum does not fit into 64 bits; nothing has changed then.
    """
    if not SMALLEST <= by <= LARGEST:
        raise OutOfRange("by does not fit into 64 bits")
    # The bound is part of the UPDATE: SQLite would turn an overflow into a float, PostgreSQL into an error.
    has_room = {"value__lte": LARGEST - by} if by > 0 else {"value__gte": SMALLEST - by}
    with transaction.atomic():
        changed = (
            _rows(name).filter(**has_room).update(value=F("value") + by, version=F("version") + 1, changed_at=Now())
        )
        if not changed:
            find(name)
            raise OutOfRange("the sum does not fit into 64 bits")
        return _publish(name)


def set_value(name: str, value: int) -> Counter:
    """Set the value, whatever it was, and publish it once that is committed. Raises `UnknownCounter`."""
    with transaction.atomic():
        _rows(name).update(value=value, version=F("version") + 1, changed_at=Now())
        return _publish(name)


def create(name: str, value: int = 0) -> Counter:
    """Make a counter and publish its first value once that is committed."""
    with transaction.atomic():
        Counter.objects.create(name=name, value=value, version=1)
        return _publish(name)


def _publish(name: str) -> Counter:
    """Publish the row as it is at the end of this transaction, and return it. The UPDATE holds its lock."""
    counter = find(name)
    data = {"name": counter.name, "value": counter.value, "version": counter.version}
    tandem.publish_on_commit(channel_for(name), data, request_id=current_request_id())
    return counter


def _rows(name: str) -> QuerySet[Counter]:
    """Return the row of *name*. A name of another form is in no row, and PostgreSQL fails on some of them (NUL)."""
    if not re.fullmatch(NAME_PATTERN, name):
        return Counter.objects.none()
    return Counter.objects.filter(name=name)
