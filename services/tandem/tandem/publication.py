"""A publication and its place in a stream: the values that travel from publisher to hub."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from tandem.json_text import encode_json as encode_json  # the name has always been here

NOTHING = msgspec.Raw(b"")
"""No JSON text. msgspec leaves it out of what it encodes where it is a default, and this very object."""


class Position(NamedTuple):
    """Where in a stream a reader stands. Offset 0 is before the first publication; an empty epoch means no stream."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """
        Read ``<epoch>:<offset>``, the form of the X-Tandem-Position header; ``:0`` is before any stream.

        Raises `ValueError` when *text* has another form.
        """
        epoch, colon, offset = text.rpartition(":")
        has_form = colon and (epoch or offset == "0") and offset.isascii() and offset.isdigit()
        if not has_form or len(offset) > 18:
            raise ValueError(f"a position is <epoch>:<offset>, not {text[:64]!r}")
        return cls(epoch, int(offset))


class Publication(msgspec.Struct, frozen=True, tag_field="type", tag="publication"):
    """
    One message of a channel, also as the publish script words it on the channel layer: see `decode`.

    `data`, `tags` and `info` are JSON texts, carried byte for byte. `offset` is 0 in a channel without history. `time`
    is when it was published, in milliseconds since 1970.
    """

    channel: str
    data: bytes = msgspec.field(name="json")
    offset: int = 0
    epoch: str = ""
    tags: bytes = b""
    info: bytes = b""
    time: int = 0
    request: str = ""


class ClientInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    Who a client is, as its own publications, presence, join and leave show it.

    `conn_info` and `chan_info` are JSON texts.
    """

    user: str
    client: str
    conn_info: msgspec.Raw = NOTHING
    chan_info: msgspec.Raw = NOTHING


class _Body(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag="publication"):
    """What is known of a `Publication` before Redis assigns the offset."""

    channel: str
    data: bytes = msgspec.field(name="json")
    time: int
    tags: bytes = b""
    info: bytes = b""
    request: str = ""


def pack_body(channel: str, data: bytes, *, tags: bytes, info: bytes, time: int, request: str) -> bytes:
    """
    Pack what is known before Redis assigns the offset: a msgpack map, the message of the channel layer.

    ``publish.lua`` appends offset and epoch to this map without decoding it, so it must stay
    a fixmap (at most 15 entries).
    """
    return _pack(_Body(channel, data, time, tags, info, request))


_pack = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Publication)


def decode(message: bytes) -> Publication | None:
    """Read a message that the publish script made; None for any other, which the layer deserializes."""
    try:
        return _decoder.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


_raw_decoder = msgspec.json.Decoder(msgspec.Raw)
_tags_decoder = msgspec.json.Decoder(dict[str, str])
_info_decoder = msgspec.json.Decoder(ClientInfo)


def from_base64(text: str) -> msgspec.Raw:
    """Return the JSON text that *text* is in base64. Raises `ValueError` for what is not base64, or not JSON."""
    try:
        data = base64.b64decode(text, validate=True)
        data.decode()
        return _raw_decoder.decode(data)
    except (binascii.Error, UnicodeError, msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"data in base64 has to be JSON: {error}") from error


def encode_tags(tags: Mapping[str, str] | None) -> bytes:
    """Encode the tags of a publication; none are no bytes. Raises `ValueError` for what is not texts by name."""
    if not tags:
        return b""
    text = encode_json(dict(tags))
    try:
        _tags_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise ValueError(f"tags are texts by name: {error}") from error
    return text


def tags_of(publication: Publication) -> dict[str, str]:
    """Return the tags of *publication*; none where they are not texts, which nothing of ours publishes."""
    try:
        return _tags_decoder.decode(publication.tags) if publication.tags else {}
    except msgspec.ValidationError:
        return {}


def from_message(channel: str, message: dict[str, Any]) -> Publication:
    """
    Read a channel-layer message of type ``publication``, ours or one that anybody's ``group_send`` made.

    A plain ``{"type": "publication", "data": ...}`` has no offset: it reaches those who are connected, without history.
    Raises `ValueError` when the data is missing or is not JSON, or another field is not what it must be.
    """
    data = message.get("json")
    if data is None:
        data = encode_json(message["data"]) if "data" in message else b""
    offset, epoch, time = message.get("offset", 0), message.get("epoch", ""), message.get("time", 0)
    if not data:
        raise ValueError(f"a publication for {channel} carries no data")
    if type(data) is not bytes or type(offset) is not int or type(epoch) is not str or type(time) is not int:
        raise ValueError(f"a publication for {channel} has a field of the wrong type")
    tags, info = _json_field(message, "tags"), _json_field(message, "info")
    try:
        tags and _tags_decoder.decode(tags)
        info and _info_decoder.decode(info)
    except msgspec.MsgspecError as error:
        raise ValueError(f"a publication for {channel} has tags or an info that are none: {error}") from error
    return Publication(channel, data, offset, epoch, tags, info, time, message.get("request", ""))


def _json_field(message: dict[str, Any], name: str) -> bytes:
    value = message.get(name, b"")
    return value if isinstance(value, bytes) else encode_json(value)
