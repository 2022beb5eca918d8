"""The process's shards, for sync code: Redis, or the stores of this process."""

from __future__ import annotations

import threading
from functools import cache

from tandem import conf, sync_shards
from tandem.memory import is_memory
from tandem.memory.shards import MemoryShards
from tandem.sync_shards import Shards

_lock = threading.Lock()


def shards() -> Shards:
    """Return the process's shards, as the settings name them."""
    with _lock:
        return _shards(conf.redis_urls())


@cache
def _shards(urls: tuple[str, ...]) -> Shards:
    if all(is_memory(url) for url in urls):
        return MemoryShards(urls)
    return Shards(urls, patience=sync_shards.PATIENCE_SECONDS)
