"""From a binary frame to commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import msgspec
from google.protobuf.message import DecodeError

from tandem_realtime.protocol import commands
from tandem_realtime.protocol.codes import BAD_REQUEST, DisconnectClient
from tandem_realtime.protocol.commands import METHODS, Command
from tandem_realtime.protocol.dialects.protobuf import schema
from tandem_realtime.protocol.filters import FilterNode

_MAX_VARINT_BITS = 64
_UNREADABLE = msgspec.Raw(b"")

_json_decoder = msgspec.json.Decoder(msgspec.Raw)


def decode_frame(frame: bytes | str, /) -> Iterator[Command]:
    """
    Read the commands of a binary frame.

    Raises `DisconnectClient` (3501) for what is not a command. Fields that are not known are skipped, as Protobuf does.
    """
    if isinstance(frame, str):
        raise DisconnectClient(BAD_REQUEST)
    try:
        for message in _split(frame):
            yield _read_command(schema.Command.FromString(message))
    except DecodeError as error:
        raise DisconnectClient(BAD_REQUEST) from error


def _split(frame: bytes) -> Iterator[bytes]:
    at, end = 0, len(frame)
    while at < end:
        length = shift = 0
        byte = 0x80
        while byte & 0x80:
            if at == end or shift >= _MAX_VARINT_BITS:
                raise DecodeError("a length has no end")
            byte = frame[at]
            length |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
        if length > end - at:
            raise DecodeError("a message is longer than its frame")
        yield frame[at : at + length]
        at += length


def _read_command(said: Any) -> Command:
    named = {method: _READERS[method](getattr(said, method)) for method in METHODS if said.HasField(method)}
    return Command(said.id, **named)


def _reader(struct: type[Any], *names: str) -> Callable[[Any], Any]:
    """Return what makes a *struct* of a message that has its fields *names*, which are the first ones."""
    if len(names) == 1:
        get_one = attrgetter(*names)
        return lambda said: struct(get_one(said))
    get = attrgetter(*names)
    return lambda said: struct(*get(said))


_read_position = _reader(commands.Since, "offset", "epoch")
_read_at = _reader(commands.SubscribeAt, "recover", "epoch", "offset")


def _read_connect(said: Any) -> commands.Connect:
    subs = {channel: _read_at(at) for channel, at in said.subs.items()}
    return commands.Connect(said.token, said.name, said.version, msgspec.Raw(said.data), subs)


def _read_subscribe(said: Any) -> commands.Subscribe:
    return commands.Subscribe(
        said.channel,
        said.token,
        said.recover,
        said.epoch,
        said.offset,
        msgspec.Raw(said.data),
        said.positioned,
        said.recoverable,
        said.join_leave,
        said.delta,
        _read_filter(said.tf) if said.HasField("tf") else None,
        said.flag,
        said.type,
        said.phase,
        said.cursor,
        said.limit,
        said.asc,
    )


def _read_filter(said: Any) -> FilterNode:
    # Its depth was limited where it was parsed.
    nodes = tuple(_read_filter(node) for node in said.nodes)
    return FilterNode(said.op, said.key, said.cmp, said.val, tuple(said.vals), nodes)


def _read_publish(said: Any) -> commands.Publish:
    return commands.Publish(said.channel, _json(said.data), said.type, said.key, said.removed)


def _json(data: bytes) -> msgspec.Raw:
    """Return *data*, or nothing when it is not JSON: there may be a subscriber to whom it could not be told."""
    try:
        data.decode()
        return _json_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _UNREADABLE


def _read_history(said: Any) -> commands.History:
    since = _read_position(said.since) if said.HasField("since") else None
    return commands.History(said.channel, said.limit, since, said.reverse)


def _read_sub_refresh(said: Any) -> commands.SubRefresh:
    return commands.SubRefresh(said.channel, said.token, said.type, [{} for _ in said.track], list(said.untrack))


_READERS: dict[str, Callable[[Any], Any]] = {
    "connect": _read_connect,
    "subscribe": _read_subscribe,
    "unsubscribe": _reader(commands.InChannel, "channel"),
    "publish": _read_publish,
    "presence": _reader(commands.InChannel, "channel"),
    "presence_stats": _reader(commands.InChannel, "channel"),
    "history": _read_history,
    "rpc": lambda said: commands.Call(said.method, msgspec.Raw(said.data)),
    "send": lambda said: commands.Message(msgspec.Raw(said.data)),
    "refresh": _reader(commands.Refresh, "token"),
    "sub_refresh": _read_sub_refresh,
    "ping": lambda said: commands.Empty(),
}
assert set(_READERS) == set(METHODS)
