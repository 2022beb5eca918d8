"""
Push: a block that is the same for everybody is rendered once, and its HTML published.

The hint that something changed goes through the outbox, as every truth does. The HTML is sugar: rendered after the
commit, published if nobody published a later one meanwhile. Elements that get a hint and no HTML ask by themselves.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction

from tandem import conf, scripts
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.live.blocks import Block, as_told
from tandem.live.showing import render
from tandem.live.sources import find_source
from tandem.models import OutboxEntry
from tandem.outbox import publish_on_commit
from tandem.pause import refuse_while_paused
from tandem.publication import Position
from tandem.publisher import Draft, publish_call
from tandem.shards import shards
from tandem.streams import position

logger = logging.getLogger(__name__)

TRIES = 5
CHANGED = {"type": "live.changed"}


def push(name: str, *arguments: Any, **named: Any) -> None:
    """
    Have everybody who sees the pushed source *name* with these arguments see it as this transaction commits it.

    Raises `ImproperlyConfigured` for a source that is not pushed, or whose channel clients may publish to.
    """
    source = find_source(name)
    if not source.push:
        raise ImproperlyConfigured(f"the source {name!r} is not pushed: give it push=, or publish to its channel")
    told, told_named = as_told(arguments, named)
    block = Block(name, told, told_named, source.push, source.channel_of(told, told_named))
    require_closed(block)
    publish_on_commit(block.channel, CHANGED)
    transaction.on_commit(partial(publish_html, block), using=router.db_for_write(OutboxEntry), robust=True)


def require_closed(block: Block) -> None:
    """Raise `ImproperlyConfigured` if a client could publish where pages take HTML from, or nothing is kept there."""
    namespace = conf.namespaces().of(block.channel)
    if namespace.publish is not None:
        raise ImproperlyConfigured(
            f"{block.source!r} pushes HTML to {block.channel}, where clients may publish: take that from its namespace"
        )
    if not namespace.has_history:
        raise ImproperlyConfigured(
            f"{block.source!r} pushes HTML to {block.channel}, which has no history: an older one could come last"
        )


def publish_html(block: Block) -> None:
    """
    Render *block* and publish its HTML, unless a later one is out already.

    Each carries as its version where the stream stood before it was rendered. If another got in between, either may
    have missed the other's change: it is rendered anew. So it is where the stream is another one meanwhile (Redis came
    back empty), which knows of no version before: what is out then may be older than what was there.
    """
    try:
        refuse_while_paused()
        for _ in range(TRIES):
            before = position(block.channel)
            if before is None or _publish_from(before, block):
                return
    except (RedisUnavailable, RedisReplyError):
        return  # the hint waits in the outbox
    except Exception as error:  # the project's own source or partial: elements ask, and their pages are told
        logger.exception("live.not_pushed", extra={"channel": block.channel, "reason": str(error)})


def _publish_from(before: Position, block: Block) -> bool:
    """Publish *block* as it is after *before*; tell whether that is known to be the latest."""
    data = {"type": "live.html", "key": block.key, "html": render(block, None)}
    draft = Draft(block.channel, data, version=before.offset + 1, version_epoch=before.epoch or "unborn")
    done = scripts.parse_published(shards().run(block.channel, publish_call(draft)))
    return not done.is_outdated and _is_of_one_stream(before, done.position)


def _is_of_one_stream(before: Position, after: Position) -> bool:
    """Tell whether versions were compared. A stream that was not born has no epoch, so its first offset tells."""
    return after.epoch == before.epoch if before.epoch else after.offset == 1
