"""Carry plans out: what all of them ask goes to Redis in one round trip for each shard."""

from __future__ import annotations

from collections.abc import Sequence

from tandem.groups import shard_for_group
from tandem.server_api.plans import Answer, Plan, together
from tandem.shards import shards


def run(plans: Sequence[Plan]) -> list[Answer]:
    """Return the answer of each of *plans*. Redis does what concerns one channel in their order."""
    questions, finish = together(plans)
    store = shards()
    return finish(store.run_each([(shard_for_group(group, store.count), call) for group, call in questions]))
