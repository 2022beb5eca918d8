"""
How channels are spread over a cluster: buckets, each with a hash tag, and so a slot, of its own. No I/O here.

All keys of a bucket and all its names of pub/sub carry its tag. So to everybody a bucket is what a shard is elsewhere:
scripts may touch any of its keys, and it is on one master, whichever that is.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from channels_redis.utils import _consistent_hash

SLOTS = 16_384
BUCKETS = 64
"""Fixed: another number would put channels elsewhere. So many are spread evenly enough over up to a dozen masters."""


class Node(NamedTuple):
    """Where a node of a cluster is."""

    host: str
    port: int


def slot_of(tag: str) -> int:
    """Return the slot of what carries the hash tag *tag* (Redis Cluster specification, "Hash tags")."""
    return crc_hqx(tag.encode(), 0) % SLOTS


def _find_tags() -> tuple[str, ...]:
    """Return a number for each bucket, chosen so that the slots are spread as evenly as the buckets are."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < BUCKETS:
        found.setdefault(slot_of(str(number)) * BUCKETS // SLOTS, str(number))
        number += 1
    return tuple(found[bucket] for bucket in range(BUCKETS))


TAGS = _find_tags()
_BUCKET_OF_TAG = {tag: bucket for bucket, tag in enumerate(TAGS)}
_BUCKET_OF_SLOT = {slot_of(tag): bucket for bucket, tag in enumerate(TAGS)}


@lru_cache(maxsize=4096)  # as for the groups of busy channels: each publication asks several times
def place(prefix: str, rest: str) -> str:
    """Return the name of pub/sub that is *prefix* and *rest* elsewhere, with the tag of its bucket between them."""
    return f"{prefix}{{{TAGS[_consistent_hash(prefix + rest, BUCKETS)]}}}{rest}"


@lru_cache(maxsize=4096)
def bucket_in(name: str) -> int:
    """Return the bucket whose tag *name* carries."""
    return _BUCKET_OF_TAG[name[name.index("{") + 1 : name.index("}")]]


class SlotMap:
    """Which master has each bucket, as far as is known; `masters` has None where that is not."""

    def __init__(self) -> None:
        self.masters: list[Node | None] = [None] * BUCKETS

    @property
    def nodes(self) -> list[Node]:
        """Every master that is known."""
        return sorted({node for node in self.masters if node is not None})

    def take(self, reply: Sequence[Any], asked: Node) -> None:
        """Read the answer to CLUSTER SLOTS of the node *asked*: a bucket that nobody has is unknown from now on."""
        masters: list[Node | None] = [None] * BUCKETS
        for first, last, (host, port, *_), *_ in reply:
            for slot, bucket in _BUCKET_OF_SLOT.items():
                if int(first) <= slot <= int(last):
                    masters[bucket] = Node(_text(host) or asked.host, int(port))
        self.masters = masters

    def move(self, refusal: str, asked: Node) -> None:
        """Read ``MOVED <slot> <host>:<port>``, which the node *asked* said."""
        _, slot, place = refusal.split(" ")[:3]
        host, _, port = place.rpartition(":")
        if (bucket := _BUCKET_OF_SLOT.get(int(slot))) is not None:
            self.masters[bucket] = Node(_text(host) or asked.host, int(port))


def _text(host: str | bytes | None) -> str:
    """Return *host*; nothing for a node that does not know what it is called, which is where it was asked."""
    text = host.decode() if isinstance(host, bytes) else host or ""
    return "" if text == "?" else text.strip("[]")
