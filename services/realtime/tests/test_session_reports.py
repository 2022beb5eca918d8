"""A client's word about time is checked before it is believed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from tandem.publication import Position, Publication
from tandem_realtime.hub.recent import Recent
from tandem_realtime.observing import metrics
from tandem_realtime.session.reports import plausible_delay, take_report

NOW = 1_800_000_000_000.0


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (NOW + 40, 0.04),
        (NOW, 0.0),
        (NOW - 900, 0.0),
        (NOW - 1100, None),
        (0, None),
        (-5.0, None),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (NOW + 10_000, None),
        (1e300, None),
    ],
)
def test_only_possible_times_are_believed(received: float, expected: float | None) -> None:
    """A second of clock error is taken as no delay; 1970, the future, negative and no number at all are refused."""
    delay = plausible_delay(NOW, received, now_ms=NOW + 100)

    assert delay == (expected if expected is None else pytest.approx(expected))


def test_a_report_may_be_a_minute_old() -> None:
    """A tab that slept tells nothing about delivery."""
    assert plausible_delay(NOW, NOW + 59_000, now_ms=NOW + 100_000) == 59
    assert plausible_delay(NOW, NOW + 61_000, now_ms=NOW + 100_000) is None


def session_with(publication: Publication) -> Any:
    """A session that is subscribed to the channel of *publication*, which has just passed."""
    recent = Recent()
    recent.append(publication)
    channel = SimpleNamespace(position=Position(publication.epoch, publication.offset), recent=recent)
    hub = SimpleNamespace(channels={publication.channel: channel, "secret": channel})
    return SimpleNamespace(subscriptions={publication.channel: None}, runtime=SimpleNamespace(hub=hub))


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        (b'{"delivery":{"channel":"public:a","offset":7,"received_ms":RECEIVED}}', "accepted"),
        (b'{"delivery":{"channel":"public:a","offset":7,"received_ms":0}}', "dropped"),
        (b'{"delivery":{"channel":"public:a","offset":7,"received_ms":-1}}', "dropped"),
        (b'{"delivery":{"channel":"public:a","offset":7,"received_ms":null}}', "dropped"),
        (b'{"delivery":{"channel":"public:a","offset":7,"received_ms":"NaN"}}', "dropped"),
        (b'{"delivery":{"channel":"public:a","offset":7,"received_ms":1e999}}', "dropped"),
        (b'{"delivery":{"channel":"public:a","offset":7,"received_ms":NaN}}', None),
        (b'{"delivery":{"channel":"public:a","offset":8,"received_ms":RECEIVED}}', "dropped"),
        (b'{"delivery":{"channel":"public:a","offset":-1,"received_ms":RECEIVED}}', "dropped"),
        (b'{"delivery":{"channel":"public:a","offset":6,"received_ms":RECEIVED}}', "dropped"),
        (b'{"delivery":{"channel":"secret","offset":7,"received_ms":RECEIVED}}', "dropped"),
        (b'{"delivery":[]}', "dropped"),
        (b'{"delivery":{}}', "dropped"),
        (b'{"something":"else"}', None),
        (b"[1,2]", None),
        (b"null", None),
    ],
)
def test_reports_are_counted(data: bytes, outcome: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each report is counted as accepted or dropped; only accepted ones move the histogram; other data is not ours."""
    monkeypatch.setattr("tandem_realtime.session.reports.time", SimpleNamespace(time=lambda: (NOW + 100) / 1000))
    session = session_with(Publication("public:a", b"{}", 7, "e", time=int(NOW)))
    before = dict(metrics.client_reports), metrics.delivery_seconds["commit_to_client"].count

    take_report(session, data.replace(b"RECEIVED", str(NOW + 40).encode()))

    grown = {key: n - before[0].get(key, 0) for key, n in metrics.client_reports.items() if n != before[0].get(key, 0)}
    assert grown == ({outcome: 1} if outcome else {})
    assert metrics.delivery_seconds["commit_to_client"].count - before[1] == (outcome == "accepted")
