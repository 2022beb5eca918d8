"""Real-time for Django: publish what was committed; every subscriber gets it once, in order, or is told to reload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tandem.errors import RedisUnavailable
from tandem.groups import group_for
from tandem.publication import Position, Publication

if TYPE_CHECKING:
    from tandem.auth.permissions import channel
    from tandem.auth.revoking import arevoke, revoke
    from tandem.changes import broadcasts, touch
    from tandem.contracts import contract
    from tandem.outbox import apublish_on_commit, publish_on_commit
    from tandem.publisher import apublish, publish
    from tandem.streams import position

__version__ = "0.2.0"

__all__ = [
    "Position",
    "Publication",
    "RedisUnavailable",
    "apublish",
    "apublish_on_commit",
    "arevoke",
    "broadcasts",
    "channel",
    "contract",
    "group_for",
    "position",
    "publish",
    "publish_on_commit",
    "revoke",
    "touch",
]

# Loaded at first use: the outbox has a model, and models need Django's app registry.
_LATER = {
    "arevoke": "tandem.auth.revoking",
    "broadcasts": "tandem.changes",
    "touch": "tandem.changes",
    "channel": "tandem.auth.permissions",
    "contract": "tandem.contracts",
    "revoke": "tandem.auth.revoking",
    "publish": "tandem.publisher",
    "apublish": "tandem.publisher",
    "position": "tandem.streams",
    "publish_on_commit": "tandem.outbox",
    "apublish_on_commit": "tandem.outbox",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        found = globals()[name] = getattr(import_module(_LATER[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
