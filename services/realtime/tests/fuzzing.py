"""Frames that nobody should send: valid ones of both dialects, bent at random, and bytes that never were one."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.protobuf_frames import BYTES, END_GROUP, FIXED32, FIXED64, GROUP, VARINT, field, message, tag, varint

NUMBERS = [0, 1, 2, 3, 127, 128, 300, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1]
TEXTS = ["", "a", "public:a", "every:größe", "😀", "\ud800", "\0", "fossil", "1" * 300]

COMMANDS: list[dict[str, Any]] = [
    {"connect": {"token": "t", "name": "js", "version": "1", "subs": {"public:a": {"recover": True, "epoch": "e"}}}},
    {"subscribe": {"channel": "public:a", "recover": True, "epoch": "e", "offset": 3, "flag": 2, "delta": "fossil"}},
    {"subscribe": {"channel": "every:a", "tf": {"op": "and", "nodes": [{"key": "k", "cmp": "in", "vals": ["a"]}]}}},
    {"publish": {"channel": "public:a", "data": {"a": [1, None, "ü"]}}},
    {"history": {"channel": "public:a", "limit": -1, "since": {"offset": 7, "epoch": "e"}, "reverse": True}},
    {"presence": {"channel": "room:a"}},
    {"presence_stats": {"channel": "room:a"}},
    {"sub_refresh": {"channel": "public:a", "token": "t"}},
    {"refresh": {"token": "t"}},
    {"unsubscribe": {"channel": "public:a"}},
    {"rpc": {"method": "m", "data": {}}},
    {"send": {"data": 1}},
    {},
]

TEXT_FRAMES = [json.dumps({"id": number, **command}).encode() for number, command in enumerate(COMMANDS, 1)]

_position = field(1, 7) + field(2, "e")
_leaf = field(2, "k") + field(3, "in") + field(5, "a")
BINARY_FRAMES = [
    message(field(1, number), body)
    for number, body in enumerate(
        [
            field(4, field(1, "t") + field(2, b"{}") + field(3, field(1, "public:a") + field(2, field(1, "t")))),
            field(5, field(1, "public:a") + field(3, 1) + field(6, "e") + field(7, 3) + field(12, "fossil")),
            field(5, field(1, "every:a") + field(13, field(1, "and") + field(6, _leaf))),
            field(6, field(1, "public:a")),
            field(7, field(1, "public:a") + field(2, b'{"a":[1]}')),
            field(8, field(1, "room:a")),
            field(9, field(1, "room:a")),
            field(10, field(1, "public:a") + field(7, 5) + field(8, _position) + field(9, 1)),
            field(11, b""),
            field(12, field(1, b"{}")),
            field(13, field(1, b"{}") + field(2, "m")),
            field(14, field(1, "t")),
            field(15, field(1, "public:a") + field(2, "t")),
        ],
        1,
    )
] + [b"\0"]

FRAMES = TEXT_FRAMES + BINARY_FRAMES


class Fuzzer:
    """Makes one frame after the other from a *seed*."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self._kinds = [
            self.noise,
            self.bent,
            self.bent,
            self.bent,
            self.fields,
            self.wrong_types,
            self.joined,
            self.deep,
        ]

    def frame(self) -> bytes:
        """Return the next frame."""
        return self.random.choice(self._kinds)()

    def noise(self) -> bytes:
        """Bytes."""
        return self.random.randbytes(self.random.choice([0, 1, 2, 5, 20, 200, 2000]))

    def bent(self) -> bytes:
        """A frame with a few bytes changed, put in, taken out, or with a part of another in it."""
        frame = bytearray(self.random.choice(FRAMES))
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randint(0, len(frame))
            match self.random.randrange(6):
                case 0:
                    frame[at : at + 1] = self.random.randbytes(1)
                case 1:
                    frame[at:at] = varint(self.random.choice(NUMBERS))
                case 2:
                    del frame[at : at + self.random.randint(1, 8)]
                case 3:
                    del frame[at:]
                case 4:
                    frame[at:at] = self.random.choice(FRAMES)[self.random.randint(0, 30) :]
                case _:
                    frame[at : at + 1] = bytes([frame[at] ^ 1 << self.random.randrange(8)]) if at < len(frame) else b"{"
        return bytes(frame)

    def fields(self, depth: int = 0) -> bytes:
        """Messages of fields with any number and any wire type, whatever the schema says, as often as it comes."""
        parts = []
        for _ in range(self.random.randint(0, 6)):
            number = self.random.choice([*range(18), 2**29 - 1])
            match self.random.randrange(8):
                case 0:
                    parts.append(tag(number, VARINT) + varint(self.random.choice(NUMBERS)))
                case 1:
                    parts.append(tag(number, FIXED64) + self.random.randbytes(8))
                case 2:
                    parts.append(tag(number, FIXED32) + self.random.randbytes(4))
                case 3:
                    inside = self.fields(depth + 1) if depth < 5 else b""
                    parts.append(tag(number, GROUP) + inside + tag(self.random.choice([number, 1]), END_GROUP))
                case 4:
                    parts.append(tag(number, BYTES) + varint(self.random.choice(NUMBERS)) + self.random.randbytes(3))
                case 5:
                    parts.append(field(number, self.random.choice(TEXTS).encode(errors="surrogatepass")))
                case 6 if depth < 5:
                    parts.append(field(number, self.fields(depth + 1)))
                case _:
                    parts.append(field(number, self.random.choice(NUMBERS)))
        return b"".join(parts) if depth else message(*parts)

    def wrong_types(self) -> bytes:
        """A command in JSON, with values that are not of their field's type, or with fields of another command."""
        command = dict(self.random.choice(COMMANDS)) | {"id": self._value()}
        for name, body in list(command.items()):
            if isinstance(body, dict):
                names = [*body, *self.random.choice(list(self.random.choice(COMMANDS).values()) or [{}])]
                changed = self.random.sample(names, min(len(names), self.random.randint(0, 2)))
                command[name] = {**body, **{key: self._value() for key in changed}}
        return json.dumps(command, ensure_ascii=self.random.random() < 0.5).encode(errors="surrogatepass")

    def joined(self) -> bytes:
        """Many frames in one."""
        between = self.random.choice([b"", b"\n", b"\r\n", b" \n\n"])
        return between.join(self.random.choice(FRAMES) for _ in range(self.random.randint(2, 30)))

    def deep(self) -> bytes:
        """Nested further than anybody means it."""
        depth = self.random.choice([10, 90, 100, 110, 1000, 5000])
        match self.random.randrange(4):
            case 0:
                return b'{"id":1,"publish":{"channel":"public:a","data":' + b"[" * depth + b"]" * depth + b"}}"
            case 1:
                return b'{"id":1,"subscribe":{"tf":' + b'{"op":"not","nodes":[' * depth + b"]}" * depth + b"}}"
            case 2:
                node = b""
                for _ in range(depth if depth < 1000 else 200):
                    node = field(1, "not") + field(6, node)
                return message(field(1, 1), field(5, field(1, "every:a") + field(13, node)))
            case _:
                return message(tag(17, GROUP) * depth, tag(17, END_GROUP) * depth)

    def _value(self) -> object:
        values: list[object] = [None, True, 1.5, [], {}, {"a": []}, [{"op": "or"}], *NUMBERS, *TEXTS, -1, -(2**63)]
        return self.random.choice(values)
