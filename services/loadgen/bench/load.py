"""What a visit asks of a server. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """Clients spread over channels; *count* publications at *rate*, or with *window* that many on their way."""

    clients: int
    rate: float
    count: int
    channels: int = 1
    size: int = 128
    window: int = 0
