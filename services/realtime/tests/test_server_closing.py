"""When connections are closed, without connections."""

import pytest

from tandem_realtime.server.closing import ROTATION, SHUTDOWN, close_pace, rotation_age, words_for


def test_closes_are_evenly_spaced() -> None:
    """The first goes at once, and as much time follows the last as lies between two."""
    assert close_pace(4, window=10) == 2.5


def test_nobody_to_close() -> None:
    """An idle process drains at once."""
    assert close_pace(0, window=30) == 0


def test_no_window_closes_at_once() -> None:
    """A window of zero is allowed."""
    assert close_pace(3, window=0) == 0


@pytest.mark.parametrize(("chance", "age"), [(0.0, 90.0), (0.5, 100.0), (1.0, 110.0)])
def test_rotation_is_jittered(chance: float, age: float) -> None:
    """Ages differ by a tenth both ways."""
    assert rotation_age(100, chance=chance) == pytest.approx(age)


@pytest.mark.parametrize("words", [SHUTDOWN, ROTATION])
def test_only_sdks_hear_words_of_the_protocol(words: tuple[int, str]) -> None:
    """Any other client, a team's own consumers' among them, hears a code that all know."""
    assert [words_for(path, words) for path in ("/ws", "/ws/")] == [words, words]
    assert {words_for(path, words) for path in ("/ws/uni/", "/ws/chat/", "/")} == {(1012, "service restart")}
