"""Fan-out: encode once, write to every socket; what came in one read of Redis goes out in one write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tandem import tracing
from tandem.publication import Publication
from tandem_realtime.hub.batch import Batch
from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.observing import metrics

logger = logging.getLogger(__name__)


class Delivery:
    """Publications on their way to the sockets of this process."""

    def __init__(self) -> None:
        self._due: dict[LiveChannel, list[Publication]] = {}

    def add(self, channel: LiveChannel, publication: Publication) -> None:
        """Write *publication* to everyone in *channel*, with what else is due, at the next `flush`."""
        if (due := self._due.get(channel)) is not None:
            due.append(publication)
        else:
            self._due[channel] = [publication]

    def flush(self) -> None:
        """Write what is due now. Call it before anyone is added to a channel or taken from it."""
        if not self._due:
            return
        started = time.perf_counter()
        due, self._due = self._due, {}
        if len(due) == 1:
            [(channel, publications)] = due.items()
            _write_channel(channel, publications)
        else:
            _write_channels(due)
        metrics.fanout_seconds.observe(time.perf_counter() - started)
        _tell(due, time.time() - (time.perf_counter() - started))


def _write_channel(channel: LiveChannel, publications: list[Publication]) -> None:
    batch = Batch(publications, channel.base)
    # A write may end a connection, which takes it from these dicts.
    for encoding, writers in list(channel.writers.items()):
        frames = batch.frames(encoding)
        data = b"".join(frames)
        _count(len(writers), len(frames), len(data))
        if frames:
            for write in list(writers.values()):
                write(data)
    channel.sent(publications[-1])


def _write_channels(due: dict[LiveChannel, list[Publication]]) -> None:
    waiting: dict[Callable[[bytes], None], list[bytes]] = {}
    for channel, publications in due.items():
        batch = Batch(publications, channel.base)
        for encoding, writers in channel.writers.items():
            frames = batch.frames(encoding)
            data = b"".join(frames)
            _count(len(writers), len(frames), len(data))
            if frames:
                for write in writers.values():
                    waiting.setdefault(write, []).append(data)
        channel.sent(publications[-1])
    for write, parts in waiting.items():
        write(parts[0] if len(parts) == 1 else b"".join(parts))


def _tell(due: dict[LiveChannel, list[Publication]], began_at: float) -> None:
    now = time.time() * 1000
    observe = metrics.delivery_seconds["commit_to_send"].observe
    for publications in due.values():
        for publication in publications:
            if publication.time:
                observe(max(0.0, now - publication.time) / 1000)
    is_logged, is_traced = logger.isEnabledFor(logging.DEBUG), tracing.is_on()
    if is_logged or is_traced:
        _trace(due, began_at, is_logged=is_logged, is_traced=is_traced)


def _trace(due: dict[LiveChannel, list[Publication]], began_at: float, *, is_logged: bool, is_traced: bool) -> None:
    for channel, publications in due.items():
        for publication in publications:
            if is_logged:
                _log(channel, publication)
            if is_traced and publication.request:
                tracing.sent(channel.name, publication.request, subscribers=channel.subscriber_count, began_at=began_at)


def _log(channel: LiveChannel, publication: Publication) -> None:
    """Tie the delivery to the request that caused it."""
    told = {
        "channel": channel.name,
        "offset": publication.offset,
        "subscribers": channel.subscriber_count,
        "request_id": tracing.request_id_of(publication.request),
    }
    logger.debug("publication.delivered", extra=told)


def _count(sockets: int, publications: int, size: int) -> None:
    metrics.counts.publications_delivered += sockets * publications
    metrics.counts.bytes_sent += sockets * size
