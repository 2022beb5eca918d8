"""A record tells every irregularity apart."""

from __future__ import annotations

from loadgen.deliveries import Record, Totals, add_up


def entered(*offsets: int, start: int = 0) -> Totals:
    """Return the totals of one record that starts at *start* and gets *offsets*."""
    record = Record()
    record.subscribed("e", start, recovered=False)
    for offset in offsets:
        record.publication(offset)
    return add_up([record])


def test_in_order() -> None:
    """Every offset once and in order leaves nothing but the count."""
    assert entered(6, 7, 8, start=5) == Totals(received=3)
    assert entered(6, 7, 8, start=5).is_whole


def test_repeat_and_step_back() -> None:
    """The last offset again is a repeat, an earlier one a step back."""
    assert entered(1, 2, 2, 1) == Totals(received=4, repeats=1, steps_back=1)


def test_hole() -> None:
    """What was skipped is missing, and the record goes on from there."""
    assert entered(1, 4, 5) == Totals(received=3, missing=2)
    assert not entered(1, 4).is_whole


def test_without_history() -> None:
    """Publications without an offset are counted and not checked."""
    assert entered(0, 0) == Totals(received=2)


def test_recovery() -> None:
    """Recovered publications count like pushed ones and must lead up to the position in the reply."""
    record = Record()
    record.subscribed("e", 3, recovered=False)
    record.subscribed("e", 6, recovered=True, offsets=[4, 5])

    assert add_up([record]) == Totals(received=2, missing=1, recovered=1)


def test_recovery_may_change_the_epoch() -> None:
    """A stream that another epoch took over without loss goes on under the new one."""
    record = Record()
    record.subscribed("e", 3, recovered=False)
    record.subscribed("f", 3, recovered=True)

    assert (record.epoch, record.offset) == ("f", 3)


def test_told() -> None:
    """A subscriber that is told to reload stands at the new position; what it missed is not missing."""
    record = Record()
    record.subscribed("e", 3, recovered=False)
    record.subscribed("f", 9, recovered=False)
    record.publication(10)

    assert add_up([record]) == Totals(received=1, told=1)


def test_finish() -> None:
    """At the end the stream's position shows what never came."""
    record = Record()
    record.subscribed("e", 3, recovered=False)
    record.finish(5)

    assert add_up([record]) == Totals(missing=2)
