"""From a channel to the group that carries its publications, and to the Redis shard that both belong to."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from channels_redis.utils import _consistent_hash  # the layer's own sharding: both must agree

from tandem import conf
from tandem.redis.address import LAYER_PREFIX
from tandem.redis.commands import Argument, Command
from tandem.redis.slots import bucket_in, place

_UNSAFE = re.compile(r"[^a-zA-Z0-9.-]")


@lru_cache(maxsize=1024)  # busy channels: a worker that passes by everybody's once is not to keep them all
def group_for(channel: str) -> str:
    """
    Return the Channels group of *channel*.

    Group names are shorter and stricter than channel names (100 characters of ``[a-zA-Z0-9._-]``), so this is a
    readable beginning and a digest that keeps any two channels apart.
    """
    digest = hashlib.blake2b(channel.encode(), digest_size=16).hexdigest()
    return f"tandem.{_UNSAFE.sub('-', channel)[:40]}.{digest}"


def layer_channel(group: str) -> str:
    """Return the Redis pub/sub channel that the channel layer uses for *group*."""
    if conf.is_cluster():
        return place(conf.layer_prefix(), f"__group__{group}")
    return f"{conf.layer_prefix()}__group__{group}"


def name_for(layer_channel: str) -> str:
    """
    Return the Redis pub/sub channel of a *layer_channel* that several processes know by its name.

    That is its name, as in channels-redis, where nobody else uses this Redis.
    """
    prefix = conf.layer_prefix()
    if conf.is_cluster():
        return place(prefix, layer_channel)
    return layer_channel if prefix == LAYER_PREFIX else f"{prefix}{layer_channel}"


def publish_command(name: str, data: Argument) -> Command:
    """Return the command that publishes *data* to *name*, one of those above."""
    return "SPUBLISH" if conf.is_cluster() else "PUBLISH", name, data


def shard_for(channel: str, shards: int) -> int:
    """Return the index of the Redis shard that holds *channel*'s group and stream: in a cluster, of its bucket."""
    return shard_for_group(group_for(channel), shards)


def shard_for_group(group: str, shards: int) -> int:
    """Return the index of the Redis shard that the channel layer uses for *group*."""
    return shard_for_name(layer_channel(group), shards)


def shard_for_name(name: str, shards: int) -> int:
    """Return the index of the Redis shard that the channel layer uses for a *name* in Redis."""
    if shards == 1:
        return 0
    return bucket_in(name) if conf.is_cluster() else int(_consistent_hash(name, shards))
