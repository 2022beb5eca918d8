"""Have the workers look now: a message on the channel layer, to the channel that ``runworker tandem`` hears."""

from __future__ import annotations

import contextlib

import msgpack
from channels_redis.utils import _consistent_hash  # the layer's own sharding: both must agree

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.groups import name_for
from tandem.shards import shards
from tandem.sync_shards import Shards

CHANNEL = "tandem"
"""The workers' channel. Over pub/sub every worker hears it, and none that is not there: it is a hint, and no more."""
_MESSAGE = msgpack.packb({"type": "work"})


def poke_workers(store: Shards | None = None) -> None:
    """Have the workers look now; where none hears it, they look by themselves before long."""
    known = store or shards()
    with contextlib.suppress(RedisUnavailable, RedisReplyError):
        known.commands(poke_shard(len(known.clients)), [("PUBLISH", name_for(CHANNEL), _MESSAGE)])


def poke_shard(shards: int) -> int:
    """Return the index of the shard that carries the pokes."""
    return 0 if shards == 1 else int(_consistent_hash(name_for(CHANNEL), shards))
