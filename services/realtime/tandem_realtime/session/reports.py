"""
What sampled clients report: when a publication arrived, so that delivery is measured up to the browser.

A client sends, for one publication in a hundred, a ``send`` command with the data
``{"delivery": {"channel": ..., "offset": ..., "received_ms": ...}}``. The time is of the server's clock: the client's
own, corrected by the difference that the connect reply's `time` showed.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import msgspec

from tandem.publication import Publication
from tandem_realtime.observing import metrics
from tandem_realtime.session.subscriber import Subscriber

if TYPE_CHECKING:
    from tandem_realtime.hub import Hub

OLDEST_SECONDS = 60.0
# The connect reply took half a round trip: the corrected clock may be behind by as much.
EARLIEST_SECONDS = -1.0


class Delivery(msgspec.Struct, frozen=True):
    """One publication at one client. `received_ms` is milliseconds since 1970 by the server's clock."""

    channel: str
    offset: int
    received_ms: float


class Message(msgspec.Struct, frozen=True):
    """The data of a ``send`` command, as far as it concerns us."""

    delivery: msgspec.Raw = msgspec.Raw(b"")


def take_report(session: Subscriber, data: bytes) -> None:
    """Count what a ``send`` command reports. Data that is no report is the application's, and ignored."""
    try:
        report = msgspec.json.decode(data, type=Message).delivery
    except msgspec.MsgspecError:
        return
    if not bytes(report):
        return
    delay = _delay(session, report)
    metrics.client_reports["dropped" if delay is None else "accepted"] += 1
    if delay is not None:
        metrics.delivery_seconds["commit_to_client"].observe(delay)


def _delay(session: Subscriber, report: bytes) -> float | None:
    try:
        delivery = msgspec.json.decode(report, type=Delivery)
    except msgspec.MsgspecError:
        return None
    if delivery.channel not in session.subscriptions:
        return None
    publication = _find(session.runtime.hub, delivery)
    if publication is None:
        return None
    return plausible_delay(publication.time, delivery.received_ms, now_ms=time.time() * 1000)


def plausible_delay(published_ms: float, received_ms: float, *, now_ms: float) -> float | None:
    """Return the seconds between the two, or None when *received_ms* cannot be a time at which it arrived."""
    delay = (received_ms - published_ms) / 1000
    is_future = (received_ms - now_ms) / 1000 > -EARLIEST_SECONDS
    if not published_ms or is_future or not math.isfinite(delay) or not EARLIEST_SECONDS <= delay <= OLDEST_SECONDS:
        return None
    return max(0.0, delay)


def _find(hub: Hub, delivery: Delivery) -> Publication | None:
    channel = hub.channels.get(delivery.channel)
    if channel is None or not 0 < delivery.offset <= channel.position.offset:
        return None
    after = channel.recent.after(delivery.offset - 1, until=channel.position.offset)
    return after[0] if after else None
