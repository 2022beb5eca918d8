"""Frames as a Protobuf client sends them, made field by field, also those that no library would make."""

from __future__ import annotations

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)


def varint(value: int) -> bytes:
    """Return *value* as a varint (Protobuf's encoding guide)."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """Return a field: a number as a varint, anything else with its length before it."""
    if isinstance(value, int):
        return tag(number, VARINT) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return tag(number, BYTES) + varint(len(content)) + content


def tag(number: int, wire_type: int) -> bytes:
    """Return what stands before a field."""
    return varint(number << 3 | wire_type)


def message(*parts: bytes) -> bytes:
    """Return a message with its length before it, as it stands in a frame."""
    body = b"".join(parts)
    return varint(len(body)) + body
