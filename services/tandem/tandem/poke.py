"""Have the workers look now: a message on the channel layer, to the channel that ``runworker tandem`` hears."""

from __future__ import annotations

import contextlib

import msgspec

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.groups import name_for, publish_command, shard_for_name
from tandem.shards import shards
from tandem.sync_shards import Shards

CHANNEL = "tandem"
"""The workers' channel. Over pub/sub every worker hears it, and none that is not there: it is a hint, and no more."""
_MESSAGE = msgspec.msgpack.encode({"type": "work"})


def poke_workers(store: Shards | None = None) -> None:
    """Have the workers look now; where none hears it, they look by themselves before long."""
    known = store or shards()
    with contextlib.suppress(RedisUnavailable, RedisReplyError):
        known.commands(poke_shard(known.count), [publish_command(name_for(CHANNEL), _MESSAGE)])


def poke_shard(shards: int) -> int:
    """Return the index of the shard that carries the pokes."""
    return shard_for_name(name_for(CHANNEL), shards)
