"""What was published during a test: sent at once, or written to the outbox in a transaction that is still open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connections, router

from tandem.namespaces import INTERNAL
from tandem.publication import Publication, decode, tags_of

ANYTHING = object()
_active: list[Recorder] = []


class Published(NamedTuple):
    """One publication, its data decoded."""

    channel: str
    data: Any
    tags: dict[str, str] = {}  # nobody changes it


class Recorder:
    """Hears everything that is sent while a test runs."""

    def __init__(self) -> None:
        self.heard: list[Publication] = []
        """All that the sockets heard in their order, what they are told to do included."""

    def take(self, name: bytes, message: bytes) -> None:
        """Take note of one message of the channel layer."""
        if (publication := decode(message)) is not None:
            self.heard.append(publication)

    def published(self, channel: str | None = None) -> list[Published]:
        """
        Return what was published to *channel* (None: to any) so far, in its order.

        First what was sent, then what waits for the commit of an open transaction; what a rolled back savepoint wrote
        is not among it.
        """
        sent = [Published(each.channel, json.loads(each.data), tags_of(each)) for each in self.heard]
        return [each for each in [*sent, *_waiting()] if channel in (None, each.channel) and not _is_ours(each.channel)]


def _is_ours(channel: str) -> bool:
    """Tell whether *channel* is Tandem's own, not the team's."""
    return channel.partition(":")[0] in INTERNAL


def _waiting() -> list[Published]:
    if not apps.is_installed("tandem"):
        return []
    from tandem.models import OutboxEntry  # models need the registry of apps

    found = []
    for connection in connections.all(initialized_only=True):
        # Outside of a transaction nothing waits, and a test without one may not ask the database.
        if connection.in_atomic_block and router.allow_migrate_model(connection.alias, OutboxEntry):
            rows = OutboxEntry.objects.using(connection.alias).order_by("pk")
            found += [Published(row.channel, json.loads(row.data), _tags(row.tags)) for row in rows]
    return found


def _tags(value: Any) -> dict[str, str]:
    return dict(json.loads(value) if isinstance(value, str) else value or {})


def start(recorder: Recorder) -> None:
    """Have the functions of this module ask *recorder*."""
    _active.append(recorder)


def stop(recorder: Recorder) -> None:
    """Have them ask whoever was asked before."""
    _active.remove(recorder)


def current() -> Recorder:
    """Return the recorder of the test that runs. Raises `RuntimeError` when nothing records."""
    if not _active:
        raise RuntimeError(
            "nothing records publications: use the fixture tandem_memory, tandem.testing.TandemMixin, "
            "or `with tandem.testing.memory():`"
        )
    return _active[-1]


def published(channel: str | None = None) -> list[Published]:
    """Return what the running test has published: see `Recorder.published`."""
    return current().published(channel)


def assert_published(
    channel: str, data: Any = ANYTHING, *, tags: Mapping[str, str] | None = None, times: int | None = None
) -> None:
    """
    Fail unless something was published to *channel*: with this *data* and these *tags*, if they are given.

    *times* is how often exactly; without it, at least once.
    """
    seen = published(channel)
    found = [each for each in seen if data is ANYTHING or each.data == data]
    found = [each for each in found if tags is None or each.tags == dict(tags)]
    if len(found) == times or (times is None and found):
        return
    what = "" if data is ANYTHING else f" of {data!r}"
    wanted = "a publication" if times is None else f"{times} publication(s)"
    raise AssertionError(f"expected {wanted}{what} in {channel}, found {len(found)}. Published: {_listed(channel)}")


def assert_not_published(channel: str | None = None) -> None:
    """Fail if anything was published to *channel* (None: to any)."""
    if seen := published(channel):
        raise AssertionError(f"expected nothing, published: {seen}")


def _listed(channel: str) -> object:
    return published(channel) or f"nothing there; elsewhere {published()}"
