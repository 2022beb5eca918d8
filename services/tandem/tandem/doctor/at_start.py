"""What is wrong with Redis, said in the log when a process starts: it waits until that is mended."""

from __future__ import annotations

import logging
import threading

from tandem import conf
from tandem.doctor.redis import try_redis
from tandem.memory import is_memory

logger = logging.getLogger("tandem.redis")


def tell_at_start() -> threading.Thread:
    """Try every Redis, in a thread of its own, and log what is wrong with it and what to do about it."""
    thread = threading.Thread(target=_tell, args=(conf.redis_urls(),), name="tandem-doctor", daemon=True)
    thread.start()
    return thread


def _tell(urls: tuple[str, ...]) -> None:
    for url in urls:
        if not is_memory(url):
            for finding in try_redis(url):
                if finding.level == "wrong":
                    logger.error("redis.wrong: %s. %s", finding.text, finding.cure)
