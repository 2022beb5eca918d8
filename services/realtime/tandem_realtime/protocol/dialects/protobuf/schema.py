"""
The messages of the Centrifuge client protocol as Protobuf has them: names, numbers and types, and the classes for them.

The numbers are the protocol's (``client.proto`` of centrifugal/protocol). What this server neither reads nor says is
left out: Protobuf skips it. What a command means must not depend on it, so every field of a command that changes its
meaning is here, also those that are refused.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tandem.centrifuge"

# message -> "number name type"; "*" a list, "%" a map of text to that type
_MESSAGES = {
    "Command": (
        "1 id uint32; 4 connect ConnectRequest; 5 subscribe SubscribeRequest; 6 unsubscribe ChannelRequest;"
        "7 publish PublishRequest; 8 presence ChannelRequest; 9 presence_stats ChannelRequest;"
        "10 history HistoryRequest; 11 ping Empty; 12 send SendRequest; 13 rpc RPCRequest;"
        "14 refresh RefreshRequest; 15 sub_refresh SubRefreshRequest"
    ),
    "ConnectRequest": "1 token string; 2 data bytes; 3 subs %SubscribeRequest; 4 name string; 5 version string",
    "SubscribeRequest": (
        "1 channel string; 2 token string; 3 recover bool; 6 epoch string; 7 offset uint64; 8 data bytes;"
        "9 positioned bool; 10 recoverable bool; 11 join_leave bool; 12 delta string; 13 tf FilterNode;"
        "14 flag int64; 15 type int32; 16 phase int32; 17 cursor string; 18 limit int32; 19 asc bool"
    ),
    "FilterNode": "1 op string; 2 key string; 3 cmp string; 4 val string; 5 vals *string; 6 nodes *FilterNode",
    "ChannelRequest": "1 channel string",
    "PublishRequest": "1 channel string; 2 data bytes; 3 type int32; 4 key string; 5 removed bool",
    "HistoryRequest": "1 channel string; 7 limit int32; 8 since StreamPosition; 9 reverse bool",
    "StreamPosition": "1 offset uint64; 2 epoch string",
    "SendRequest": "1 data bytes",
    "RPCRequest": "1 data bytes; 2 method string",
    "RefreshRequest": "1 token string",
    "SubRefreshRequest": "1 channel string; 2 token string; 3 type int32; 4 track *Empty; 5 untrack *string",
    "Empty": "",
    "EmulationRequest": "1 node string; 2 session string; 3 data bytes",
    "Reply": (
        "1 id uint32; 2 error Error; 4 push Push; 5 connect ConnectResult; 6 subscribe SubscribeResult;"
        "7 unsubscribe Empty; 8 publish Empty; 9 presence PresenceResult; 10 presence_stats PresenceStatsResult;"
        "11 history HistoryResult; 12 ping Empty; 13 rpc RPCResult; 14 refresh RefreshResult;"
        "15 sub_refresh SubRefreshResult"
    ),
    "Error": "1 code uint32; 2 message string; 3 temporary bool",
    "Push": (
        "2 channel string; 4 pub Publication; 5 join Membership; 6 leave Membership; 7 unsubscribe Unsubscribed;"
        "8 message Message; 9 subscribe Subscribed; 11 disconnect Disconnected; 12 refresh Refreshed"
    ),
    "ClientInfo": "1 user string; 2 client string; 3 conn_info bytes; 4 chan_info bytes",
    "Publication": "4 data bytes; 5 info ClientInfo; 6 offset uint64; 7 tags %string; 8 delta bool",
    "Membership": "1 info ClientInfo",
    "Message": "1 data bytes",
    "Subscribed": "1 recoverable bool; 4 epoch string; 5 offset uint64; 6 positioned bool; 7 data bytes",
    "Unsubscribed": "2 code uint32; 3 reason string",
    "Disconnected": "1 code uint32; 2 reason string",
    "Refreshed": "1 expires bool; 2 ttl uint32",
    "ConnectResult": (
        "1 client string; 2 version string; 3 expires bool; 4 ttl uint32; 5 data bytes; 6 subs %SubscribeResult;"
        "7 ping uint32; 8 pong bool; 9 session string; 10 node string; 11 time int64"
    ),
    "SubscribeResult": (
        "1 expires bool; 2 ttl uint32; 3 recoverable bool; 6 epoch string; 7 publications *Publication;"
        "8 recovered bool; 9 offset uint64; 10 positioned bool; 11 data bytes; 12 was_recovering bool; 13 delta bool"
    ),
    "PresenceResult": "1 presence %ClientInfo",
    "PresenceStatsResult": "1 num_clients uint32; 2 num_users uint32",
    "HistoryResult": "1 publications *Publication; 2 epoch string; 3 offset uint64",
    "RPCResult": "1 data bytes",
    "RefreshResult": "1 client string; 2 version string; 3 expires bool; 4 ttl uint32",
    "SubRefreshResult": "1 expires bool; 2 ttl uint32",
}

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}


def _add_field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    field = message.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
    if kind[0] in "*%":
        field.label = _Field.LABEL_REPEATED
    if kind[0] == "%":  # on the wire a map is a list of pairs
        entry = message.nested_type.add(name="".join(part.title() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _add_field(entry, 1, "key", "string")
        _add_field(entry, 2, "value", kind[1:])
        kind = f"{message.name}.{entry.name}"
    kind = kind.lstrip("*")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"


def _describe() -> descriptor_pb2.FileDescriptorProto:
    described = descriptor_pb2.FileDescriptorProto(name=f"{PACKAGE}.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = described.message_type.add(name=name)
        for field in filter(None, map(str.strip, fields.split(";"))):
            number, field_name, kind = field.split()
            _add_field(message, int(number), field_name, kind)
    return described


# A pool of our own: another package of this process may bring the protocol's messages too.
_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_describe())


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


Command = _class("Command")
EmulationRequest = _class("EmulationRequest")
Reply = _class("Reply")
ClientInfo = _class("ClientInfo")
Publication = _class("Publication")
