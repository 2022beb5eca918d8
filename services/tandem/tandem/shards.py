"""The process's shards, for sync code: Redis, or the stores of this process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache

from tandem import conf, sync_shards
from tandem.cluster_shards import ClusterShards
from tandem.memory import is_memory
from tandem.memory.shards import MemoryShards
from tandem.redis.clustered import is_clustered
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
    return open_shards(urls, timeout=sync_shards.TIMEOUT_SECONDS)


def open_shards(urls: Sequence[str], *, timeout: float) -> Shards:
    """Return the shards at *urls*, with connections of their own. *timeout* is that of `Shards`."""
    if is_clustered(urls[0]):
        return ClusterShards(urls[0], timeout=timeout)
    return Shards(urls, timeout=timeout)
