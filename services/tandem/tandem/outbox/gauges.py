"""How full the outbox is, for whoever exports metrics."""

from __future__ import annotations

from tandem.outbox.pausing import paused_since
from tandem.outbox.sweep import count_rows


def outbox_gauges() -> dict[str, float]:
    """Return how many rows wait, how many were set aside, and whether (1, 0) there is a pause."""
    rows = count_rows()
    is_paused = paused_since() is not None
    return {"outbox_pending": rows["waiting"], "outbox_set_aside": rows["set_aside"], "outbox_paused": is_paused}
