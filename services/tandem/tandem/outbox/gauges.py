"""How full the outbox is, for whoever exports metrics."""

from __future__ import annotations

from tandem.outbox.sweep import count_rows


def outbox_gauges() -> dict[str, float]:
    """Return how many rows wait, and how many were set aside."""
    rows = count_rows()
    return {"outbox_pending": rows["waiting"], "outbox_set_aside": rows["set_aside"]}
