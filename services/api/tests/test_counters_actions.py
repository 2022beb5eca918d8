"""The rules of counters: what changes, and what is published."""

from __future__ import annotations

import msgspec
import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

import tandem
from api.counters import actions
from api.counters.models import Counter
from tandem import streams
from tandem.models import OutboxEntry

pytestmark = pytest.mark.django_db

CHANNEL = "public:counter.demo"


def published() -> list[object]:
    """What the stream of the demo counter holds."""
    return [msgspec.json.decode(each.data) for each in streams.history(CHANNEL, limit=-1).publications]


def test_fresh_installation_has_the_demo_counter() -> None:
    """The migrations make one counter, demo, at 0."""
    assert list(Counter.objects.values_list("name", "value", "version")) == [("demo", 0, 0)]


def test_increment_publishes_the_new_value_and_version(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Each change goes to the counter's channel, with a version that counts the changes."""
    with django_capture_on_commit_callbacks(execute=True):
        actions.increment("demo", 3)
    with django_capture_on_commit_callbacks(execute=True):
        actions.increment("demo", -1)

    assert published() == [
        {"name": "demo", "value": 3, "version": 1},
        {"name": "demo", "value": 2, "version": 2},
    ]


def test_nothing_is_published_before_the_commit() -> None:
    """A transaction that is still open has told nobody."""
    actions.increment("demo")

    assert published() == []


def test_increment_tells_when() -> None:
    """A change moves changed_at."""
    before = actions.find("demo").changed_at

    assert actions.increment("demo").changed_at > before


@pytest.mark.parametrize(
    ("start", "by"),
    [
        (2**63 - 1, 1),
        (2**63 - 10, 10),
        (1, 2**63 - 1),
        (-(2**63), -1),
        (-1, -(2**63)),
        (0, 2**63),
        (0, -(2**63) - 1),
        (0, 10**30),
    ],
)
def test_sum_beyond_64_bits_changes_nothing(start: int, by: int) -> None:
    """What does not fit is refused; value and version stay."""
    Counter.objects.update(value=start)

    with pytest.raises(actions.OutOfRange):
        actions.increment("demo", by)

    assert list(Counter.objects.values_list("value", "version")) == [(start, 0)]
    assert not OutboxEntry.objects.exists()


@pytest.mark.parametrize(("start", "by"), [(0, 2**63 - 1), (-(2**63), 2**63 - 1), (2**63 - 2, 1), (0, -(2**63))])
def test_last_value_that_fits_is_reached(start: int, by: int) -> None:
    """The bounds themselves are values."""
    Counter.objects.update(value=start)

    assert actions.increment("demo", by).value == start + by


@pytest.mark.parametrize("name", ["nobody", "", "DEMO", "demo\n", "de\0mo", "x" * 65, "ä"])
def test_unknown_name_is_told(name: str) -> None:
    """Reading and changing a counter that is not there raise the same."""
    for attempt in (actions.find, actions.find_with_position, actions.increment):
        with pytest.raises(actions.UnknownCounter):
            attempt(name)


def test_position_is_where_the_stream_stands(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Who subscribes from the position gets what is published after the row was read."""
    with django_capture_on_commit_callbacks(execute=True):
        actions.increment("demo")
    counter, position = actions.find_with_position("demo")

    assert (counter.value, position) == (1, tandem.position(CHANNEL))


@pytest.mark.usefixtures("redis_down")
def test_row_changes_while_redis_is_down(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> None:
    """The change is committed, its publication waits in the outbox, and there is no position."""
    with django_capture_on_commit_callbacks(execute=True):
        actions.increment("demo")
    counter, position = actions.find_with_position("demo")

    assert (counter.value, position) == (1, None)
    assert [entry.channel for entry in OutboxEntry.objects.all()] == [CHANNEL]
