"""What was missed goes out in pages: the answer has the first, pushes right behind it have the rest. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tandem.publication import Publication


def pages(publications: Sequence[Publication], size: int) -> Iterator[list[Publication]]:
    """Split *publications* where more than *size* bytes of data would come together; each page has at least one."""
    page: list[Publication] = []
    room = size
    for publication in publications:
        if page and len(publication.data) > room:
            yield page
            page, room = [], size
        page.append(publication)
        room -= len(publication.data)
    if page:
        yield page
