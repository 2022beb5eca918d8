"""What a server process has spent, read from the kernel."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple, Self

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Memory(NamedTuple):
    """Bytes: of the process, and of the kernel's socket buffers and objects on this host."""

    resident: int
    socket_buffers: int
    slab: int

    @property
    def kernel_share(self) -> float:
        """Half of what the kernel holds: a connection over loopback has both its ends here."""
        return (self.socket_buffers + self.slab) / 2


def cpu_ns(pid: int) -> int:
    """Return the processor time of all threads that *pid* ever had, user and system, in nanoseconds."""
    # The clock of another process, as clock_getcpuclockid(3) forms it.
    return time.clock_gettime_ns(~pid << 3 | 2)


def memory(pid: int) -> Memory:
    """Return what *pid* holds now."""
    resident = _field(Path(f"/proc/{pid}/status"), "VmRSS:", 1) * 1024
    return Memory(resident, socket_pages() * PAGE_BYTES, _field(Path("/proc/meminfo"), "Slab:", 1) * 1024)


def socket_pages() -> int:
    """Return the pages that the kernel holds for TCP buffers."""
    return _field(Path("/proc/net/sockstat"), "TCP:", 10)


def _field(path: Path, name: str, index: int) -> int:
    for line in path.read_text().splitlines():
        words = line.split()
        if words[0] == name:
            return int(words[index])
    raise ValueError(f"{path} has no line {name}")


class RedisMeter:
    """What a Redis says of itself. Asking costs it some 50 microseconds."""

    def __init__(self, url: str) -> None:
        import redis

        self._client = redis.Redis.from_url(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()

    def spent(self) -> int:
        """Return its processor time until now, in nanoseconds."""
        used = self._client.info("cpu")
        return round((float(used["used_cpu_user"]) + float(used["used_cpu_sys"])) * 1e9)

    def subscriptions(self) -> int:
        """Return how many of its channels somebody listens to."""
        return int(self._client.info("stats")["pubsub_channels"])

    def memory(self) -> int:
        """Return the bytes that it has allocated."""
        return int(self._client.info("memory")["used_memory"])
