"""What a medium is given to send."""

from __future__ import annotations

from typing import Any, NamedTuple


class Outgoing(NamedTuple):
    """A message to one user, in his language; the address may be empty. `name` is the same at every attempt."""

    name: str
    recipient: Any
    message: Any
    title: str
    body: str
    url: str


class Skipped(Exception):
    """There is no use in sending this, now or later; the text says why."""
