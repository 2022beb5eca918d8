"""Publications for a page without an SDK: one JSON object each, with channel, data, offset and epoch."""

from __future__ import annotations

from tandem.publication import Position, Publication
from tandem_realtime.protocol.dialects.json import json_string


def push_plain(publication: Publication) -> bytes:
    """Encode a publication."""
    position = b',"offset":%d,"epoch":%s' % (publication.offset, json_string(publication.epoch))
    tags = b',"tags":' + publication.tags if publication.tags else b""
    head = b'{"channel":%s,"data":%s' % (json_string(publication.channel), publication.data)
    return head + (position if publication.offset else b"") + tags + b"}"


def push_lost(channel: str, position: Position) -> bytes:
    """Tell a page that it has to reload: what it missed cannot be told."""
    where = (json_string(channel), json_string(position.epoch), position.offset)
    return b'{"channel":%s,"recovered":false,"epoch":%s,"offset":%d}' % where
