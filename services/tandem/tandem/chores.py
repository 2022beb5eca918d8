"""What there is to do for the workers beside the outbox. Who has such work says here what it is."""

from __future__ import annotations

from collections.abc import Callable

Chore = Callable[[], object]

chores: list[Chore] = []
"""Each does a part of its work in some seconds, and returns whether there is more of it to do at once."""
