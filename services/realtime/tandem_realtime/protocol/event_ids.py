"""The ids in a one-way event stream: where its reader stands in every channel, for Last-Event-ID to resume them all."""

from __future__ import annotations

from collections.abc import Mapping

from tandem.publication import Position, Publication
from tandem_realtime.protocol.dialects.json import json_string
from tandem_realtime.protocol.encodings import PLAIN_EVENTS, event_line
from tandem_realtime.protocol.plain import push_plain


class EventIds:
    """
    Follows one reader. An id is the positions with commas between, in the order of the channels; empty for none.

    The events of a single channel carry the same id for every reader, so readers share their bytes.
    """

    def __init__(self, since: Mapping[str, Position | None]) -> None:
        self._at = dict(since)
        self.encoding = PLAIN_EVENTS if len(since) == 1 else PLAIN_EVENTS._replace(event=self._event)

    @property
    def id(self) -> str:
        """The id of the last event."""
        return ",".join(str(position) if position else "" for position in self._at.values())

    def begin(self, channel: str, position: Position) -> bytes:
        """Encode the event that gives a reader its first id: without one a cut right after would go unnoticed."""
        self._at[channel] = position
        where = (json_string(channel), json_string(position.epoch), position.offset)
        data = b'{"channel":%s,"epoch":%s,"offset":%d}' % where
        return b"event: position\n" + self._line() + event_line(data)

    def _event(self, publication: Publication) -> bytes:
        if publication.offset:
            self._at[publication.channel] = Position(publication.epoch, publication.offset)
        return self._line() + event_line(push_plain(publication))

    def _line(self) -> bytes:
        return f"id: {self.id}\n".encode()
