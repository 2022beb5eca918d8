"""What a visit asks of a server. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """
    Clients spread over channels; *count* publications at *rate*.

    With *backlog* the server is stopped while they are published, and then has to work them off as fast as it can.
    """

    clients: int
    rate: float
    count: int
    channels: int = 1
    size: int = 128
    backlog: bool = False

    @property
    def warming(self) -> int:
        """How many publications come before those that count: the first of each channel."""
        return max(2, self.channels)
