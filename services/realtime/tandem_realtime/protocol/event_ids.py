"""The ids in a one-way event stream: where its reader stands in every channel, for Last-Event-ID to resume them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from tandem.publication import Position, Publication
from tandem_realtime.protocol.encodings import PLAIN_EVENTS, Encoding
from tandem_realtime.protocol.event_forms import PLAIN, EventForm, position_event

RIGHT = "|"
"""What stands between the positions and the right to resume from them."""


class EventIds:
    """
    Follows one reader. An id is the positions with commas between, in the order of the channels; empty for none.

    The events of a single channel carry the same id for every reader, so readers share their bytes. Where a *right* is
    added, which is one reader's alone, they do not.
    """

    def __init__(
        self, since: Mapping[str, Position | None], form: EventForm = PLAIN, right: Callable[[], str] | None = None
    ) -> None:
        self._at = dict(since)
        self._form = form
        self._right = right
        if len(since) == 1 and right is None:
            self.encoding = shared(form)
        else:
            beat = None if right is None else self._beat
            self.encoding = PLAIN_EVENTS._replace(event=self._event, beat=beat)

    @property
    def id(self) -> str:
        """The id of the last event."""
        at = ",".join(str(position) if position else "" for position in self._at.values())
        return at if self._right is None else f"{at}{RIGHT}{self._right()}"

    def begin(self, channel: str, position: Position, *, has_history: bool) -> bytes:
        """Encode what a reader gets where *channel* begins: its first id, and what makes it load if it has nothing."""
        is_new = self._at[channel] is None
        if has_history:
            self._at[channel] = position
        first = position_event(channel, position) if has_history else b""
        if is_new and self._form.begins is not None:
            first += self._form.begins(channel, position)
        return self._line() + first if first else b""

    def lost(self, channel: str, position: Position) -> bytes:
        """Encode that what a reader missed cannot be told."""
        return self._form.lost(channel, position)

    def _event(self, publication: Publication) -> bytes:
        if publication.offset:
            self._at[publication.channel] = Position(publication.epoch, publication.offset)
        return self._line() + self._form.said(publication)

    def _beat(self) -> bytes:
        """Tell the id anew: the right in it does not last."""
        return self._line() + b"\n"

    def _line(self) -> bytes:
        return f"id: {self.id}\n".encode()


@cache
def shared(form: EventForm) -> Encoding:
    """Return the encoding of all readers of a single channel in *form*."""

    def encode(publication: Publication) -> bytes:
        at = f"id: {publication.epoch}:{publication.offset}\n".encode() if publication.offset else b""
        return at + form.said(publication)

    return PLAIN_EVENTS if form is PLAIN else PLAIN_EVENTS._replace(event=encode)
