"""
Publications of one channel that go out together: what is made of them is made once, whoever it is for. No I/O here.

A filter is asked once for a publication, a delta is computed once for a publication and the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tandem.publication import Publication, tags_of
from tandem_realtime.protocol.encodings import Deltas, Encoding
from tandem_realtime.protocol.filters import FilterNode, matches
from tandem_realtime.protocol.fossil import delta


class Batch:
    """
    Make frames of *publications*, oldest first.

    *base* is the publication that subscriptions which take deltas had last, None when that is not known.
    """

    def __init__(self, publications: Sequence[Publication], base: Publication | None = None) -> None:
        self._publications = publications
        self._base = base
        self._deltas: dict[int, bytes | None] = {}
        self._wanted: dict[FilterNode, list[Publication]] = {}

    def frames(self, encoding: Encoding) -> list[bytes]:
        """Return what a subscription with *encoding* gets, each frame whole."""
        if encoding.deltas is not None:
            return self._frames_with_deltas(encoding)
        publications = self._publications if encoding.wanted is None else self._select(encoding.wanted)
        return [encoding.encode(publication) for publication in publications]

    def _select(self, wanted: FilterNode) -> list[Publication]:
        if (known := self._wanted.get(wanted)) is None:
            known = self._wanted[wanted] = select(wanted, self._publications)
        return known

    def _frames_with_deltas(self, encoding: Encoding) -> list[bytes]:
        dialect, frames = encoding.dialect, []
        for index, publication in enumerate(self._publications):
            is_first = not index and encoding.deltas is Deltas.FIRST
            patch = None if is_first else self._delta(index)
            push = dialect.push_whole(publication) if patch is None else dialect.push_delta(publication, patch)
            frames.append(encoding.wrap(push))
        return frames

    def _delta(self, index: int) -> bytes | None:
        if index not in self._deltas:
            before = self._publications[index - 1] if index else self._base
            after = self._publications[index]
            self._deltas[index] = None if before is None else delta(before.data, after.data)
        return self._deltas[index]


def select(wanted: FilterNode | None, publications: Sequence[Publication]) -> list[Publication]:
    """Return those of *publications* that a filter wants; None wants them all."""
    if wanted is None:
        return list(publications)
    return [publication for publication in publications if matches(wanted, tags_of(publication))]
