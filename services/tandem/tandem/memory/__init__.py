"""The memory backend: what Redis does for Tandem, inside one process, for development and tests."""

from __future__ import annotations

SCHEME = "memory://"
"""An address of this scheme takes the place of a Redis. What follows names the store; stores of one name are one."""


def is_memory(url: object) -> bool:
    """Tell whether *url* is a store of this process rather than a Redis."""
    return isinstance(url, str) and url.startswith(SCHEME)
