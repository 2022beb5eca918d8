"""
Live blocks: ``{% live order partial="orders/detail.html#status" %}``, a part of a page that stays true.

The tag shows what a source says (`sources`), from a position on (`showing`), and writes a signed reference to it
(`references`); the element ``<tandem-live>`` hears the channel and asks the fragment view (`views`) for it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tandem.live.pushing import push
    from tandem.live.sources import source

__all__ = ["push", "source"]

# Loaded at first use: Django imports this package before its registry of apps is ready.
_LATER = {"push": "tandem.live.pushing", "source": "tandem.live.sources"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        found = globals()[name] = getattr(import_module(_LATER[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
