"""The last warnings and errors of this process, for the live page: without tokens, cookies and payloads."""

from __future__ import annotations

import logging
from collections import deque
from datetime import UTC, datetime

from tandem.census import LogLine
from tandem.logs import hide_secrets

KEPT = 20
LONGEST = 300


class RecentWarnings(logging.Handler):
    """Keeps the last KEPT records from WARNING up."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last: deque[LogLine] = deque(maxlen=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record, newest first."""
        told = record.msg if isinstance(record.msg, dict) else {"event": record.getMessage(), **vars(record)}
        words = [str(told[name]) for name in ("event", "channel", "reason") if told.get(name)]
        text = hide_secrets(" ".join(words))[:LONGEST]
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds")
        self.last.appendleft(LogLine(moment, record.levelname.lower(), record.name, text))
