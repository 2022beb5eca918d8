"""What is made of publications that go out together is made once, whoever it is for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tandem.namespaces import Namespace
from tandem.publication import Publication
from tandem_realtime.hub import Subscription, batch
from tandem_realtime.hub.batch import Batch
from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.hub.delivery import Delivery
from tandem_realtime.protocol.encodings import LINES, MESSAGES, Deltas
from tandem_realtime.protocol.filters import FilterNode

TEXT = "as it was before " * 9
RED = FilterNode(key="color", cmp="eq", val="red")


def publication(number: int, **tags: str) -> Publication:
    data = json.dumps({"number": number, "text": TEXT}).encode()
    return Publication("a", data, number, tags=json.dumps(tags).encode() if tags else b"")


class Spy:
    """Counts the calls of a function that goes on doing its work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.count = 0
        self._call = getattr(batch, name)
        monkeypatch.setattr(batch, name, self)

    def __call__(self, *args: Any) -> Any:
        self.count += 1
        return self._call(*args)


def test_filter_is_asked_once_for_a_publication(monkeypatch: pytest.MonkeyPatch) -> None:
    """By equal filters, of whatever dialect; frames are of what they want."""
    asked = Spy(monkeypatch, "matches")
    due = Batch([publication(1, color="red"), publication(2, color="blue"), publication(3)])
    lines = due.frames(LINES._replace(wanted=RED))
    messages = due.frames(MESSAGES._replace(wanted=FilterNode(key="color", cmp="eq", val="red")))
    others = due.frames(LINES._replace(wanted=FilterNode(op="not", nodes=(RED,))))

    assert lines == [LINES.encode(publication(1, color="red"))]
    assert messages == [MESSAGES.encode(publication(1, color="red"))]
    assert len(others) == 2
    assert asked.count == 3 + 3


def test_delta_is_computed_once_for_a_publication(monkeypatch: pytest.MonkeyPatch) -> None:
    """For JSON and Protobuf, and for those who have just come as for those who had the one before."""
    computed = Spy(monkeypatch, "delta")
    due = Batch([publication(2), publication(3)], publication(1))
    frames = [
        due.frames(encoding._replace(deltas=deltas))
        for encoding in (LINES, MESSAGES)
        for deltas in (Deltas.NEXT, Deltas.FIRST)
    ]

    assert computed.count == 2
    assert [[len(frame) < len(TEXT) for frame in each] for each in frames] == [[True, True], [False, True]] * 2


def test_without_a_base_nothing_is_a_delta() -> None:
    """Nor where the delta is not shorter."""
    due = Batch([publication(1), Publication("a", b"1", 2), Publication("a", b"2", 3)])
    frames = due.frames(LINES._replace(deltas=Deltas.NEXT))

    assert [b"delta" in frame for frame in frames] == [False, False, False]


class Client:
    """A connection in one dialect."""

    def __init__(self, channel: LiveChannel, **asked: Any) -> None:
        self.encoding = LINES
        self.writes: list[bytes] = []
        self.subscription = Subscription(self, channel.name)
        self.subscription.encoding = LINES._replace(**asked)
        channel.add(self.subscription)

    def write(self, data: bytes) -> None:
        """Note *data*."""
        self.writes.append(data)

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Be told whether the server is sure."""
        self.states = [*getattr(self, "states", []), is_sure]

    def state_lost(self, subscription: Subscription) -> None:
        """Be told."""


async def test_who_comes_later_gets_a_whole_one_first() -> None:
    """The others go on with deltas; who wants nothing of it is not written to."""
    channel, delivery = LiveChannel("a", Namespace()), Delivery()
    early = Client(channel, deltas=Deltas.FIRST)
    picky = Client(channel, wanted=RED)
    delivery.add(channel, publication(1))
    delivery.flush()
    late = Client(channel, deltas=Deltas.FIRST)
    delivery.add(channel, publication(2))
    delivery.flush()
    delivery.add(channel, publication(3))
    delivery.flush()
    channel.remove(early.subscription)
    channel.remove(late.subscription)
    delivery.add(channel, publication(4))
    delivery.flush()

    assert [b'"delta":true' in data for data in early.writes] == [False, True, True]
    assert [b'"delta":true' in data for data in late.writes] == [False, True]
    assert picky.writes == []
    assert (channel.base, channel.subscriber_count) == (None, 1)
