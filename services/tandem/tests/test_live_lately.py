"""Many who ask about one change: one look at Redis for all of them."""

from __future__ import annotations

import pytest

import tandem
from tandem.live import lately
from tandem.live.lately import look_lately
from tandem.live.viewers import look
from tandem.publication import Position

pytestmark = pytest.mark.usefixtures("store")
CHANNEL = "kept:lately"


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another test saw, in another Redis."""
    monkeypatch.setattr(lately, "_seen", {})


def test_who_has_heard_no_more_needs_no_look() -> None:
    """The position is that of the look before, though another publication came: what is read after it is newer."""
    first = tandem.publish(CHANNEL, 1)
    look_lately(CHANNEL, "one", first)
    second = tandem.publish(CHANNEL, 2)
    meanwhile = look_lately(CHANNEL, "two", first).position
    after = look_lately(CHANNEL, "three", second).position

    assert (meanwhile, after) == (first, second)


@pytest.mark.parametrize("heard", [None, Position("", 0), Position("another", 0)])
def test_who_says_nothing_or_of_another_stream(heard: Position | None) -> None:
    """Is looked for."""
    first = tandem.publish(CHANNEL, 1)
    look_lately(CHANNEL, "one", first)
    second = tandem.publish(CHANNEL, 2)

    assert look_lately(CHANNEL, "two", heard).position == second


def test_lately_is_over_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then everybody is looked for."""
    first = tandem.publish(CHANNEL, 1)
    look_lately(CHANNEL, "one", first)
    second = tandem.publish(CHANNEL, 2)
    monkeypatch.setattr(lately, "LATELY_SECONDS", 0)

    assert look_lately(CHANNEL, "one", first).position == second


def test_who_asks_meanwhile_is_counted_with_the_next() -> None:
    """None is forgotten, none counted twice."""
    first = tandem.publish(CHANNEL, 1)
    for viewer in ("one", "two", "three", "two"):
        look_lately(CHANNEL, viewer, first)
    found = look_lately(CHANNEL, "two", None)

    assert found.viewers == 3
    assert look(CHANNEL, "one").viewers == 3


def test_channels_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before they fill the memory."""
    monkeypatch.setattr(lately, "MAX_CHANNELS", 3)
    for number in range(10):
        look_lately(f"kept:{number}", "one", None)

    assert len(lately._seen) <= 3
