"""What a block shows, as a value that can be signed and told from others. No I/O here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tandem.json_text import encode_json


class Block(msgspec.Struct, frozen=True, array_like=True):
    """A source by name with its arguments, the partial that shows it, and the channel that tells of its changes."""

    source: str
    arguments: list[Any]
    named: dict[str, Any]
    partial: str
    channel: str

    @property
    def key(self) -> str:
        """A name for exactly this block, from which its arguments cannot be told."""
        return hashlib.sha256(encode_json(msgspec.to_builtins(self))).hexdigest()[:16]


def as_told(arguments: Sequence[Any], named: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """
    Return arguments as they come back from a reference, so that the first render has what every later one will have.

    JSON knows no UUID and no date: they become text. Raises `TypeError` for what a reference cannot hold.
    """
    for value in (*arguments, *named.values()):
        if hasattr(value, "_meta") or hasattr(value, "query"):
            kind = type(value).__name__
            raise TypeError(f"{{% live %}}: a source's arguments are written into the page: give a pk, not a {kind}")
    try:
        told = msgspec.json.decode(encode_json([list(arguments), dict(named)]))
    except ValueError as error:
        raise TypeError(f"{{% live %}}: an argument cannot be written into the page: {error}") from error
    return told[0], told[1]
