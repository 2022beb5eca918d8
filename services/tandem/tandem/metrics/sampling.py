"""Gauges that nobody changes: each gunicorn worker looks now and then, because a scrape reaches only the arbiter."""

from __future__ import annotations

import threading
import time

import structlog
from django.db import DatabaseError, connection
from redis.observability.attributes import DB_CLIENT_CONNECTION_STATE as STATE

from tandem.gauges import gauges
from tandem.metrics import series
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
    connections = {"idle": 0, "in_use": 0}
    for pool in shards().pools():
        for count, attributes in pool.get_connection_count():
            connections["idle" if attributes[STATE] == "idle" else "in_use"] += count
    for state, count in connections.items():
        series.redis_pool_connections.labels(state).set(count)
    try:
        for look in gauges:
            for name, value in look().items():
                series.OF_APPS[name].set(value)
    finally:
        connection.close()  # back to the pool: this thread is not a request, and Django closes nothing here
