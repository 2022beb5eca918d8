"""The breaker: open, it refuses at once; a thread of its own finds out when that ends."""

from __future__ import annotations

import threading

import pytest
import redis

from rig.servers import wait_until
from tandem import RedisUnavailable
from tandem.breaker import Breaker


def test_open_refuses_until_a_probe_succeeds() -> None:
    """With the reason; each probe runs in another thread than the callers'."""
    threads: list[threading.Thread] = []
    is_back = threading.Event()

    def probe() -> None:
        threads.append(threading.current_thread())
        if not is_back.is_set():
            raise redis.ConnectionError("still away")

    breaker = Breaker(probe, interval=0.01)
    breaker.open("no answer")
    breaker.open("another reason")
    with pytest.raises(RedisUnavailable, match="known to be away: no answer"):
        breaker.check()
    wait_until(lambda: len(threads) > 2, what="probes")
    is_back.set()
    wait_until(lambda: not breaker.is_open, what="the end")
    breaker.check()

    assert threading.current_thread() not in threads
    assert len(set(threads)) == 1


def test_probe_that_hangs_hangs_nobody() -> None:
    """A name lookup takes as long as the resolver likes."""
    released = threading.Event()
    breaker = Breaker(lambda: released.wait(20) and None)
    breaker.open("no answer")
    was_open = breaker.is_open
    released.set()
    wait_until(lambda: not breaker.is_open, what="the end")

    assert was_open


def test_breaker_without_its_thread_lets_the_next_call_find_out() -> None:
    """A fork took the state along, and not the thread."""
    breaker = Breaker(lambda: None, interval=0.01)
    breaker.open("no answer")
    thread = breaker._prober
    assert thread is not None
    thread.join()
    breaker._reason, breaker._prober = "no answer", thread

    assert not breaker.is_open
