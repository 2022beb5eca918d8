"""What Tandem's keys in Redis are called. What is published, and to whom, is called in `groups`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from tandem import conf
from tandem.groups import shard_for
from tandem.redis.slots import BUCKETS, TAGS


def key_of(kind: str, channel: str, *, beside: str = "") -> str:
    """Return the key of that *kind* for *channel*; in a cluster with the tag of its bucket, or of *beside*'s."""
    return f"{_beginning(beside or channel)}:{kind}:{{{channel}}}"


def publishing_keys(channel: str, once: Iterable[str]) -> list[str]:
    """Return the keys of a publish to *channel*: meta, stream, one for each idempotency key of *once*, boot, born."""
    beginning = _beginning(channel)
    keys = [f"{beginning}:once:{{{channel}}}:{key}" for key in once]
    return [f"{beginning}:meta:{{{channel}}}", f"{beginning}:stream:{{{channel}}}", *keys, *_boot_keys(beginning)]


def plain_key(kind: str, name: str, *, bucket: int | None = None) -> str:
    """Return the key of that *kind* for what is no channel but has a *name*: of a cluster in *bucket*, or its own."""
    beginning = _beginning(name) if bucket is None else _beginning_in(bucket)
    return f"{beginning}:{kind}:{name}"


def boot_keys(channel: str) -> tuple[str, str]:
    """Return the keys where *channel*'s Redis keeps which incarnation it is, and which streams were born in it."""
    return _boot_keys(_beginning(channel))


def _beginning(name: str) -> str:
    prefix = conf.key_prefix()
    return _tagged(prefix, conf.layer_prefix(), name) if conf.is_cluster() else prefix


@lru_cache(maxsize=4096)  # each publication asks several times
def _tagged(prefix: str, layer_prefix: str, name: str) -> str:
    """Return how keys of *name* begin; *layer_prefix* decides, too, which bucket it is in."""
    return f"{prefix}:{{{TAGS[shard_for(name, BUCKETS)]}}}"


def _beginning_in(bucket: int) -> str:
    return f"{conf.key_prefix()}:{{{TAGS[bucket]}}}" if conf.is_cluster() else conf.key_prefix()


@cache
def _boot_keys(beginning: str) -> tuple[str, str]:
    return f"{beginning}:boot", f"{beginning}:born"
