"""Commands as bytes."""

from __future__ import annotations

from typing import TypeAlias

import hiredis

Argument: TypeAlias = str | bytes | int | float
Command: TypeAlias = tuple[Argument, ...]


def text_of(argument: Argument) -> str:
    """Return *argument* as a text, for an error."""
    return argument.decode(errors="replace") if isinstance(argument, bytes) else str(argument)


def pack(command: Command) -> bytes:
    """Return *command* as Redis reads it; text is sent as UTF-8."""
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub says one argument; it takes any number
    return packed
