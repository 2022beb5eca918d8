"""What somebody was notified of during a test."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils import translation


class Notified(NamedTuple):
    """One notification or announcement of a user, its texts in his language."""

    kind: str
    title: str
    body: str
    url: str
    data: Any
    number: int
    """How many there are in a group."""


def notified(user: Any, kind: str | None = None, *, tenant: str = "") -> list[Notified]:
    """
    Return what is in *user*'s inbox (of *kind*, if given), the first first; also inside of the test's transaction.

    Brings what is on its way to many there first, as a worker would.
    """
    from tandem.inbox import work
    from tandem.inbox.content.rendering import language_of
    from tandem.inbox.reading import listing  # a project has the inbox, or it has not

    while work.bring_to_many():
        pass
    with translation.override(language_of(user)):
        items = listing.page(user, tenant, listing.Filter(), listing.Cursor(), 10_000).items
    found = [
        Notified(item["kind"], item["title"], item["body"], item["url"], item["data"], item["count"])
        for item in reversed(items)
    ]
    return [each for each in found if kind in (None, each.kind)]
