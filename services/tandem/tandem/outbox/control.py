"""What the sockets must be told and Redis cannot take now: a row like any other, of the channel that goes first."""

from __future__ import annotations

import msgspec

from tandem.control import CHANNEL
from tandem.outbox.batch import publish_on_commit


def keep(message: bytes) -> None:
    """Have *message* (JSON) wait until Redis is back."""
    publish_on_commit(CHANNEL, msgspec.Raw(message))
