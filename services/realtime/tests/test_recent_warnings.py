"""The last complaints of a process are kept, and nothing secret with them."""

from __future__ import annotations

import logging

import pytest
import structlog

from tandem_realtime.observing.recent_warnings import KEPT, RecentWarnings


@pytest.fixture
def recent():
    """A handler on a logger of its own."""
    handler = RecentWarnings()
    logger = logging.getLogger("test.warnings")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_the_newest_complaint_comes_first(recent: RecentWarnings):
    """Warnings and errors with channel and reason; nothing below."""
    logger = logging.getLogger("test.warnings")
    logger.info("not a complaint")
    logger.warning("hub.%s", "malformed", extra={"channel": "public:a", "reason": "no data"})
    logger.error("session.failed")

    assert [(each.level, each.logger, each.event) for each in recent.last] == [
        ("error", "test.warnings", "session.failed"),
        ("warning", "test.warnings", "hub.malformed public:a no data"),
    ]


def test_complaints_hold_no_secret_and_are_few(recent: RecentWarnings):
    """Passwords and tokens are hidden; old complaints make room."""
    logger = logging.getLogger("test.warnings")
    for number in range(KEPT + 5):
        logger.warning("%s redis://:hunter2@redis:6379 token=abc %s", number, "x" * 1000)

    assert len(recent.last) == KEPT
    assert recent.last[0].event.startswith(f"{KEPT + 4} redis://:[hidden]@redis:6379 token=[hidden] xxx")
    assert len(recent.last[0].event) == 300


def test_structlog_events_are_complaints_too(recent: RecentWarnings):
    """structlog hands its fields over as one dictionary."""
    logger = structlog.wrap_logger(
        logging.getLogger("test.warnings"), processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    )
    logger.warning("broken", reason="because")

    assert recent.last[0].event == "broken because"
