"""What a server process has spent, read from the kernel."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Memory(NamedTuple):
    """Bytes: of the process, and of the kernel's socket buffers on this host (both ends of a loopback connection)."""

    resident: int
    socket_buffers: int


def cpu_ns(pid: int) -> int:
    """Return the processor time of all threads that *pid* ever had, user and system, in nanoseconds."""
    # The clock of another process, as clock_getcpuclockid(3) forms it.
    return time.clock_gettime_ns(~pid << 3 | 2)


def memory(pid: int) -> Memory:
    """Return what *pid* holds now."""
    return Memory(_field(Path(f"/proc/{pid}/status"), "VmRSS:", 1) * 1024, socket_pages() * PAGE_BYTES)


def socket_pages() -> int:
    """Return the pages that the kernel holds for TCP buffers."""
    return _field(Path("/proc/net/sockstat"), "TCP:", 10)


def _field(path: Path, name: str, index: int) -> int:
    for line in path.read_text().splitlines():
        words = line.split()
        if words[0] == name:
            return int(words[index])
    raise ValueError(f"{path} has no line {name}")
