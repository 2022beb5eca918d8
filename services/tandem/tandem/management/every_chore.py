"""All that a worker does beside sending the outbox's rows, from whichever apps are there."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from tandem.chores import Chore, chores

_OURS = (("tandem.auth.revoking", "refill"), ("tandem.changes.recorded", "tell_recorded"))
"""Redis lost what was revoked, SQL still has it; triggers noticed what nobody has told of yet."""


def every_chore() -> list[Chore]:
    """Return what is to be done each time round: ours, and what the apps say."""
    ours = [getattr(import_module(module), name) for module, name in _OURS if find_spec(module) is not None]
    return [*ours, *chores]
