"""Gauges that nobody changes: each gunicorn worker looks now and then, because a scrape reaches only the arbiter."""

from __future__ import annotations

import threading
import time

import structlog
from django.db import DatabaseError, connection

from tandem.gauges import gauges
from tandem.metrics import series
from tandem.pooling import count_connections
from tandem.shards import shards

SAMPLE_SECONDS = 10.0

log = structlog.get_logger("tandem.metrics")


def start_sampling() -> None:
    """Sample in a thread of its own until the process ends."""
    threading.Thread(target=_sample_forever, name="sampling", daemon=True).start()


def _sample_forever() -> None:
    while True:
        try:
            sample()
        except DatabaseError as error:
            log.warning("database unavailable", error=type(error).__name__)
        time.sleep(SAMPLE_SECONDS)


def sample() -> None:
    """Look once."""
    counts = [count_connections(pool) for pool in shards().pools()]
    series.redis_pool_connections.labels("idle").set(sum(idle for idle, _ in counts))
    series.redis_pool_connections.labels("in_use").set(sum(in_use for _, in_use in counts))
    try:
        for look in gauges:
            for name, value in look().items():
                series.OF_APPS[name].set(value)
    finally:
        connection.close()  # back to the pool: this thread is not a request, and Django closes nothing here
