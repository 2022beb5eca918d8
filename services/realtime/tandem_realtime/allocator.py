"""Have the C library give memory back that large answers took, where it is glibc."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
LARGE_BYTES = 262_144


def return_large_blocks() -> None:
    """
    Give blocks of that many bytes and more back to the kernel as soon as they are free.

    Left to itself glibc raises its threshold to the largest block that was ever freed, up to 32 MiB, and from then on
    such blocks leave holes that stay.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, 2 * LARGE_BYTES)
