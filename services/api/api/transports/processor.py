"""Processor time of the servers since they began, as the kernel counts it: this pod's gunicorn, all of realtime."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path

from tandem.census import take_census

KEPT_SECONDS = 0.1  # every realtime process answers a census: many visitors share one


def seconds_of_pages(server: str) -> float | None:
    """
    Return the seconds of gunicorn with its workers; *server* is what a request says of who serves it.

    None where pages and sockets are one process, and its seconds those of the sockets.
    """
    if not server.startswith("gunicorn"):
        return None
    arbiter = os.getppid()
    workers = Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()
    return sum(_seconds_of(process) for process in (arbiter, *map(int, workers)))


def seconds_of_sockets() -> float:
    """Return the seconds of every realtime process. Raises `RedisUnavailable` or `RedisReplyError`."""
    return _seconds_of_sockets(int(time.monotonic() / KEPT_SECONDS))


@lru_cache(maxsize=1)
def _seconds_of_sockets(_moment: int) -> float:
    return sum(answer.cpu_seconds for answer in take_census(limit=0))


def _seconds_of(process: int) -> float:
    """Read the clock that clock_getcpuclockid(3) names: the seconds of all threads, those that have ended too."""
    return time.clock_gettime((~process << 3) | 2)
