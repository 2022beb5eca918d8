"""The protocol in Protobuf: messages with their length before them, as a varint. Data goes through byte for byte."""

from tandem_realtime.protocol.dialects.protobuf.decoding import decode_frame
from tandem_realtime.protocol.dialects.protobuf.encoding import (
    PING,
    encode_error,
    encode_reply,
    push_delta,
    push_disconnect,
    push_membership,
    push_message,
    push_pieces,
    push_publication,
    push_refresh,
    push_subscribe,
    push_unsubscribe,
    push_whole,
    reply_pieces,
)

__all__ = [
    "PING",
    "decode_frame",
    "encode_error",
    "encode_reply",
    "push_delta",
    "push_disconnect",
    "push_membership",
    "push_message",
    "push_pieces",
    "push_publication",
    "push_refresh",
    "push_subscribe",
    "push_unsubscribe",
    "push_whole",
    "reply_pieces",
]
