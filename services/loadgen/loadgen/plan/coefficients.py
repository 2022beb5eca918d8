"""What one of each costs, as it was measured: read from JSON. The only place that the calculator has figures from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

STORED = Path(__file__).with_name("coefficients.json")


@dataclass(frozen=True)
class Coefficients:
    """
    Costs of a realtime process and of Redis: microseconds of CPU, bytes, seconds.

    A channel here is one that nobody else listens to; what is shared costs a process the same, but once.
    """

    start_seconds: float  # from the start of a process until it listens
    process_cpu_us: float  # a second, with nobody there
    process_bytes: float
    connection_cpu_us: float  # a second: its pings
    connection_bytes: float  # subscribed to a channel that others have, too
    kernel_bytes: float  # of its socket
    join_cpu_us: float  # connect and subscribe
    leave_cpu_us: float
    return_cpu_us: float  # the same, with what was missed meanwhile
    delivery_cpu_us: float
    publication_cpu_us: float  # for each process that hears it, beside its deliveries
    channel_cpu_us: float  # a second: is it where Redis says?
    channel_bytes: float
    channel_join_cpu_us: float  # to join it, to leave it, and the token that names its user
    presence_cpu_us: float  # a second
    presence_join_cpu_us: float  # to enter and to leave
    redis_cpu_us: float  # a second, with nothing to do
    redis_publication_cpu_us: float  # to a channel with history that one process hears
    redis_push_cpu_us: float  # for each further process that hears it
    redis_channel_cpu_us: float  # a second
    redis_channel_bytes: float
    redis_channel_join_cpu_us: float
    redis_presence_cpu_us: float  # a second
    redis_presence_bytes: float
    redis_presence_join_cpu_us: float


def read(path: Path = STORED) -> Coefficients:
    """Return the coefficients in *path*. Raises `ValueError` if it lacks some, or has others."""
    try:
        measured: Mapping[str, Any] = json.loads(path.read_text())["coefficients"]
        values = {name: float(each["value"]) for name, each in measured.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: expected what `python -m loadgen.bench.plan.measuring` writes: {error}") from error
    wanted = {field.name for field in fields(Coefficients)}
    if odd := wanted ^ values.keys():
        raise ValueError(f"{path}: missing or unknown: {', '.join(sorted(odd))}")
    return Coefficients(**values)
