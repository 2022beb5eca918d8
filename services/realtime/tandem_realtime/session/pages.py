"""What was missed goes out in pages: the answer has the first, pushes right behind it have the rest. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tandem.publication import Publication


def pages(publications: Sequence[Publication], size: int) -> Sequence[Sequence[Publication]]:
    """Split *publications* where more than *size* bytes of data would come together. There is always one page."""
    if sum([len(publication.data) for publication in publications]) <= size:
        return [publications]
    return list(_split(publications, size))


def _split(publications: Sequence[Publication], size: int) -> Iterator[list[Publication]]:
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
