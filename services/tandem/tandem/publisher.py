"""The producer's side: publish to a channel, from sync or async code."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async

from tandem import conf, scripts, tracing
from tandem.errors import PublicationTooLarge, TandemError
from tandem.pause import refuse_while_paused
from tandem.publication import Position, encode_json, encode_tags, pack_body
from tandem.shards import shards
from tandem.tab import with_mark

MAX_IDEMPOTENCY_KEY_LENGTH = 255

observers: list[Callable[[str, float], None]] = []
"""Called after every publish with its outcome (``ok``, ``repeat``, ``outdated``, an error's name) and its seconds."""


class Draft(NamedTuple):
    """A publication on its way: what `publish` takes, as one value."""

    channel: str
    data: Any
    idempotency_key: str | None = None
    tags: Mapping[str, str] | None = None
    skip_history: bool = False
    request_id: str = ""
    version: int = 0
    version_epoch: str = ""


def publish(
    channel: str,
    data: Any,
    *,
    idempotency_key: str | None = None,
    tags: Mapping[str, str] | None = None,
    request_id: str = "",
    version: int = 0,
    version_epoch: str = "",
) -> Position:
    """
    Publish *data* (any JSON value) to *channel* now, and return its position.

    The position is ``("", 0)`` in a channel without history. The same *idempotency_key* publishes once in five minutes.
    With a *version* (1 to 2**64 - 1, of a channel with history) nothing is published unless it is later than the last
    one; then the position is where the stream stands. Another *version_epoch* than the last begins anew.
    Blocks for a quarter of a second at most, and not at all while Redis is known to be away. Raises
    `RedisUnavailable`, `PublishingPaused` (which is one), `RedisReplyError`, `InvalidChannel`, `UnknownNamespace`,
    `PublicationTooLarge`, or `ValueError` for what is not JSON.
    """
    draft = Draft(
        channel,
        data,
        idempotency_key,
        tags,
        request_id=request_id,
        version=version,
        version_epoch=version_epoch,
    )
    [position] = publish_many([draft])
    if isinstance(position, TandemError):
        raise position
    return position


async def apublish(
    channel: str,
    data: Any,
    *,
    idempotency_key: str | None = None,
    tags: Mapping[str, str] | None = None,
    request_id: str = "",
    version: int = 0,
    version_epoch: str = "",
) -> Position:
    """Do what `publish` does without blocking the event loop."""
    send = sync_to_async(publish, thread_sensitive=False)
    return await send(
        channel,
        data,
        idempotency_key=idempotency_key,
        tags=tags,
        request_id=request_id,
        version=version,
        version_epoch=version_epoch,
    )


def publish_many(drafts: Sequence[Draft]) -> list[Position | TandemError]:
    """
    Publish all of *drafts* in one round trip for each shard; an error stands where its publication was refused.

    Raises `RedisUnavailable` when a shard does not answer, `PublishingPaused` during a pause, and what `publish` raises
    for a malformed draft.
    """
    with tracing.publishing(len(drafts), drafts[0].request_id if drafts else ""):
        calls = [(draft.channel, publish_call(draft)) for draft in drafts]
        started = time.perf_counter()
        try:
            refuse_while_paused()
            replies = shards().run_many(calls)
        except TandemError as error:
            observe(type(error).__name__, started)
            raise
    return [read_outcome(reply, started) for reply in replies]


def publish_call(draft: Draft, *, info: bytes = b"") -> scripts.Call:
    """Turn *draft* into a run of the publish script; *info* tells who published, when that was a client."""
    namespace = conf.namespaces().of(draft.channel)
    if draft.idempotency_key and len(draft.idempotency_key) > MAX_IDEMPOTENCY_KEY_LENGTH:
        raise ValueError(f"an idempotency key has at most {MAX_IDEMPOTENCY_KEY_LENGTH} characters")
    _check_version(draft, has_history=namespace.has_history)
    tags = encode_tags(with_mark(draft.channel, draft.tags))
    body = pack_now(draft.channel, encode_data(draft.channel, draft.data), tags, draft.request_id, info=info)
    return scripts.publish_call(
        draft.channel,
        namespace,
        body,
        once=draft.idempotency_key,
        keep=not draft.skip_history,
        version=draft.version,
        version_epoch=draft.version_epoch,
    )


def _check_version(draft: Draft, *, has_history: bool) -> None:
    if draft.version and (draft.skip_history or not has_history):
        raise ValueError("a version is kept with the history: there is none")
    if not 0 <= draft.version < 2**64:
        raise ValueError("a version is 1 to 2**64 - 1")
    if draft.version_epoch and not draft.version:
        raise ValueError("version_epoch needs a version")


def pack_now(channel: str, data: bytes, tags: bytes, request_id: str, *, info: bytes = b"") -> bytes:
    """Pack a publication of this moment and of the current span."""
    milliseconds = time.time_ns() // 1_000_000
    return pack_body(channel, data, tags=tags, info=info, time=milliseconds, request=tracing.carry(request_id))


def encode_data(channel: str, data: Any) -> bytes:
    """Encode *data* as JSON. Raises `PublicationTooLarge`, or `ValueError` for what is not JSON."""
    text = encode_json(data)
    if len(text) > (limit := conf.settings().max_publication_bytes):
        raise PublicationTooLarge(f"a publication to {channel} has {len(text)} bytes, and {limit} are the most")
    return text


def read_outcome(reply: Any, started: float) -> Position | TandemError:
    """Read the answer to `publish_call`, or the error in its place, and tell the observers."""
    if isinstance(reply, TandemError):
        observe(type(reply).__name__, started)
        return reply
    published = scripts.parse_published(reply)
    observe("repeat" if published.is_repeat else "outdated" if published.is_outdated else "ok", started)
    return published.position


def observe(outcome: str, started: float, *, times: int = 1) -> None:
    """Tell the observers of a publish, or so many, that began at *started*, by `time.perf_counter`."""
    for observer in observers:
        for _ in range(times):
            observer(outcome, time.perf_counter() - started)
