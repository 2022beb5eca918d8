"""Send rows to Redis: each channel's in order, as one script call, up to the first that is refused."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from tandem import conf, scripts, tracing
from tandem.errors import InvalidChannel, PublicationTooLarge, RedisReplyError, TandemError, UnknownNamespace
from tandem.outbox.rows import KEY_SECONDS, Row
from tandem.publication import pack_body
from tandem.publisher import observe
from tandem.sync_shards import Shards

_ROWS_OF_ONE_CALL = 100

_PASSING = re.compile(
    r"(OOM|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|MISCONF|BUSY|NOAUTH|WRONGPASS|NOPERM|MOVED|ASK|EXECABORT)\b"
)


class Sent(msgspec.Struct, frozen=True):
    """What became of rows: taken by Redis, or themselves at fault (why), or kept because their channel was stopped."""

    taken: list[Row]
    at_fault: list[tuple[Row, str]]
    stopped: dict[str, TandemError]


def send(rows: Sequence[Row], store: Shards) -> Sent:
    """
    Send *rows*, which are in order, in one round trip to each shard; more only where one of them is at fault or old.

    A refusal that will pass (no memory, no master ...) stops its channel and nothing else. A row that is at fault is
    passed over, and its channel gets a new epoch before the next goes, so that nobody takes the hole for a whole; so
    does an old row's, because Redis may have forgotten that it was sent.
    """
    queues: dict[str, Queue] = {}
    for row in rows:
        if (queue := queues.get(row.channel)) is None:
            queue = queues[row.channel] = Queue(row.channel)
        queue.rows.append(row)
    sent = Sent([], [], {})
    waiting = list(queues.values())
    with tracing.publishing(len(rows), rows[0].request_id if rows else ""):
        while waiting:
            started = time.perf_counter()
            calls = [(store.of(queue.channel), queue.next_call()) for queue in waiting]
            for queue, (_, call), reply in zip(waiting, calls, store.run_each(calls), strict=True):
                queue.take(call, reply, sent, started)
            waiting = [queue for queue in waiting if queue.rows and queue.channel not in sent.stopped]
    return sent


class Queue:
    """The rows of one channel that are still to go."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.rows: list[Row] = []
        self._has_new_epoch = False
        self._refusal = ""

    def next_call(self) -> scripts.Call:
        """Return the call that sends the next rows, or the one that has to come before."""
        if self._refusal:
            return scripts.renew_call(self.channel)
        try:
            namespace = conf.namespaces().of(self.channel)
        except (InvalidChannel, UnknownNamespace):
            return scripts.renew_call(self.channel)
        bodies: dict[str, bytes] = {}
        limit = conf.settings().max_publication_bytes
        is_traced, now = tracing.is_on(), time.time_ns() // 1_000_000
        for row in self.rows:
            if (
                len(bodies) == _ROWS_OF_ONE_CALL
                or (4 * len(row.data) > limit and fault_of(row))
                or (row.is_old and not self._has_new_epoch)
            ):
                break
            tags = b"" if row.tags == "{}" else row.tags.encode()
            request = tracing.carry(row.request_id) if is_traced else row.request_id
            bodies[f"outbox:{row.key}"] = pack_body(
                self.channel, row.data.encode(), tags=tags, info=b"", time=now, request=request
            )
        if not bodies:  # the first row cannot go as it is
            return scripts.renew_call(self.channel)
        return scripts.publish_batch_call(self.channel, namespace, bodies, once_ttl=KEY_SECONDS)

    def take(self, call: scripts.Call, reply: Any, sent: Sent, started: float) -> None:
        """Read the answer to *call* into *sent*."""
        if call.script is scripts.RENEW:
            self._take_renewal(reply, sent)
        elif isinstance(reply, TandemError):
            self._take_refusal(reply, sent, started)
        else:
            batch = scripts.parse_published_batch(reply)
            went, repeats = len(batch.are_repeats), sum(batch.are_repeats)
            sent.taken.extend(self.rows[:went])
            del self.rows[:went]
            observe("ok", started, times=went - repeats)
            if repeats:
                observe("repeat", started, times=repeats)
            if batch.refusal:
                self._take_refusal(RedisReplyError(batch.refusal), sent, started)

    def _take_renewal(self, reply: Any, sent: Sent) -> None:
        if isinstance(reply, TandemError):
            sent.stopped[self.channel] = reply
            return
        self._has_new_epoch = True
        if reason := self._refusal or fault_of(self.rows[0]):
            sent.at_fault.append((self.rows.pop(0), reason))
            self._refusal = ""

    def _take_refusal(self, error: TandemError, sent: Sent, started: float) -> None:
        observe(type(error).__name__, started)
        if not isinstance(error, RedisReplyError) or _PASSING.match(error.text):
            sent.stopped[self.channel] = error
        else:
            self._refusal = error.text


def fault_of(row: Row) -> str:
    """Return why *row* can never go as it is and as the settings are; empty where it can."""
    try:
        conf.namespaces().of(row.channel)
        limit = conf.settings().max_publication_bytes
        if len(row.data) > limit or (4 * len(row.data) > limit and len(row.data.encode()) > limit):
            raise PublicationTooLarge(f"the data has more than {limit} bytes")
    except (InvalidChannel, UnknownNamespace, PublicationTooLarge) as error:
        return str(error)
    return ""


def calls_of(sent: Sequence[Row]) -> list[tuple[str, scripts.Call]]:
    """Return the calls that let the idempotency keys of *sent* go, by channel."""
    keys: dict[str, list[str]] = {}
    for row in sent:
        keys.setdefault(row.channel, []).append(f"outbox:{row.key}")
    return [(channel, scripts.forget_call(channel, each)) for channel, each in keys.items()]
