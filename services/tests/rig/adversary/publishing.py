"""A publisher that waits for a Redis which others keep busy."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import Any

import tandem
from tandem.errors import RedisUnavailable

SECONDS = 20.0


def publish(channel: str, data: Any) -> None:
    """Publish once, however often it takes. Raises `TimeoutError`."""
    key, end = secrets.token_hex(8), time.monotonic() + SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(RedisUnavailable):
            tandem.publish(channel, data, idempotency_key=key)
            return
    raise TimeoutError(f"Redis was away for {SECONDS:g} s")
