"""Numbers to look at now and then. Who knows one says here how it is found; who exports metrics asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

gauges: list[Callable[[], Mapping[str, float]]] = []
"""Each returns values by the name of their series, without the prefix; it may ask the database."""
