"""Fan-out: encoded once, written once a read, in order, whatever a write does to its connection."""

from __future__ import annotations

import pytest

from tandem.namespaces import Namespace
from tandem.publication import Publication
from tandem_realtime.hub import Subscription
from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.hub.delivery import Delivery
from tandem_realtime.protocol.encodings import EVENTS, LINES, Encoding


class Client:
    """A connection that notes each write; *on_write* is called in the middle of one."""

    def __init__(self, *channels: LiveChannel, encoding: Encoding = LINES) -> None:
        self.encoding = encoding
        self.writes: list[bytes] = []
        self.subscriptions = [Subscription(self, channel.name) for channel in channels]
        self.leaves_at_once: list[LiveChannel] = []
        for channel, subscription in zip(channels, self.subscriptions, strict=True):
            channel.add(subscription)

    def write(self, data: bytes) -> None:
        """Note *data*, and go away if that is how this client is."""
        self.writes.append(data)
        for channel, subscription in zip(self.leaves_at_once, self.subscriptions, strict=False):
            channel.remove(subscription)

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Be told whether the server is sure."""
        self.states = [*getattr(self, "states", []), is_sure]

    def state_lost(self, subscription: Subscription) -> None:
        """Be told."""


def channel(name: str) -> LiveChannel:
    return LiveChannel(name, Namespace())


def text(name: str, *values: int) -> bytes:
    return b"".join(b'{"push":{"channel":"%s","pub":{"data":%d}}}\n' % (name.encode(), value) for value in values)


async def test_what_is_due_is_one_write() -> None:
    """Several publications of several channels reach a client together, in order within each channel."""
    a, b, delivery = channel("a"), channel("b"), Delivery()
    both, one = Client(a, b), Client(a)
    for number in (1, 2):
        delivery.add(a, Publication("a", b"%d" % number))
        delivery.add(b, Publication("b", b"%d" % number))
    before = list(both.writes)
    delivery.flush()

    assert before == []
    assert both.writes == [text("a", 1, 2) + text("b", 1, 2)]
    assert one.writes == [text("a", 1, 2)]


async def test_nothing_comes_twice() -> None:
    """The next flush has what came since."""
    a, delivery = channel("a"), Delivery()
    client = Client(a)
    delivery.add(a, Publication("a", b"1"))
    delivery.flush()
    delivery.add(a, Publication("a", b"2"))
    delivery.flush()
    delivery.flush()

    assert client.writes == [text("a", 1), text("a", 2)]


async def test_encoded_once_for_each_kind_of_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every socket of a kind gets the very same bytes."""
    a, delivery = channel("a"), Delivery()
    clients = [Client(a, encoding=encoding) for encoding in (LINES, LINES, EVENTS)]
    delivery.add(a, Publication("a", b"1"))
    delivery.flush()

    assert clients[0].writes[0] is clients[1].writes[0]
    assert clients[2].writes == [b"data: " + text("a", 1) + b"\n"]


@pytest.mark.parametrize("channels", [1, 2])
async def test_client_that_ends_in_a_write_costs_the_others_nothing(channels: int) -> None:
    """Too slow: it is taken from the channel in the middle of the fan-out, the last one of its encoding."""
    every, delivery = [channel(name) for name in "ab"[:channels]], Delivery()
    slow = Client(*every, encoding=EVENTS)
    slow.leaves_at_once = every
    other_slow, quick = Client(*every), Client(*every)
    other_slow.leaves_at_once = every
    for each in every:
        delivery.add(each, Publication(each.name, b"1"))
    delivery.flush()
    for each in every:
        delivery.add(each, Publication(each.name, b"2"))
    delivery.flush()

    expected = [b"".join(text(each.name, number) for each in every) for number in (1, 2)]
    assert quick.writes == expected
    assert other_slow.writes == expected[:1]
    assert len(slow.writes) == 1


async def test_nobody_there_is_no_error() -> None:
    """Everybody has left between the publication and its turn."""
    a, delivery = channel("a"), Delivery()
    client = Client(a)
    delivery.add(a, Publication("a", b"1"))
    a.remove(client.subscriptions[0])
    delivery.flush()

    assert client.writes == []
