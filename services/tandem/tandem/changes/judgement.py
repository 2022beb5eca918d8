"""What a change is to each channel: another to the one that a row left than to those that have it. No I/O here."""

from __future__ import annotations

from collections.abc import Sequence

CREATED = "created"
CHANGED = "changed"
DELETED = "deleted"
LEFT = "left"
"""The row is there, and is no longer this channel's."""


def events(before: Sequence[str] | None, after: Sequence[str] | None) -> dict[str, str]:
    """
    Return what to tell each channel of a row that *before* heard of and *after* hears of now.

    None is of a row that was not there, or is not.
    """
    if after is None:
        return dict.fromkeys(before or (), DELETED)
    if before is None:
        return dict.fromkeys(after, CREATED)
    return {**dict.fromkeys(after, CHANGED), **{channel: LEFT for channel in before if channel not in after}}
