"""Whether anybody hears what this process keeps in memory: nobody hears a shell beside ``runtandem``."""

from __future__ import annotations

from tandem import conf
from tandem.errors import RedisUnavailable

_UNHEARD = (
    "no socket is served by this process, and the memory backend serves one process alone: what is published on commit "
    "is sent by runtandem; for everything else from other processes set TANDEM_REDIS_URLS"
)
_is_served = False


def serve() -> None:
    """Say that sockets, or a test, hear the stores of this process."""
    global _is_served
    _is_served = True


def is_served() -> bool:
    """Tell whether anybody can hear the stores of this process."""
    return _is_served or conf.is_testing()


def check() -> None:
    """Raise `RedisUnavailable` where nobody can: a Redis that nobody reaches is away too."""
    if not is_served():
        raise RedisUnavailable(_UNHEARD)
