"""How many commands a client may send. The time is passed in."""

from __future__ import annotations

from collections import Counter

from tandem_realtime.session.pace import BYTES_PER_COMMAND, FLOOD, Pace, Verdict

OUT, REFUSE, CUT = Verdict


def test_burst_is_carried_out_and_one_more_is_not() -> None:
    """Everything at once, up to the burst."""
    pace = Pace()

    assert [pace.judge(100.0, rate=5, burst=10) for _ in range(11)] == [OUT] * 10 + [REFUSE]


def test_rate_is_carried_out_for_ever() -> None:
    """Evenly spaced, it never runs into the limit."""
    pace = Pace()

    assert {pace.judge(100.0 + number / 5, rate=5, burst=10) for number in range(1000)} == {OUT}


def test_twice_the_rate_is_slowed_to_the_rate_and_never_cut() -> None:
    """After the burst every other command is refused."""
    pace = Pace()
    verdicts = Counter(pace.judge(100.0 + number / 10, rate=5, burst=10) for number in range(2000))

    assert CUT not in verdicts
    assert abs(verdicts[OUT] - 1000) <= 12


def test_flood_is_cut() -> None:
    """More than so many times the burst at once, or the rate for long."""
    pace = Pace()
    verdicts = [pace.judge(100.0, rate=5, burst=10) for _ in range(10 + FLOOD * 10 + 1)]

    assert verdicts[-2:] == [REFUSE, CUT]
    assert verdicts.count(CUT) == 1


def test_rest_is_counted() -> None:
    """After a pause the burst is there again."""
    pace = Pace()
    for _ in range(10):
        pace.judge(100.0, rate=5, burst=10)

    assert pace.judge(100.0, rate=5, burst=10) is REFUSE
    assert pace.judge(103.0, rate=5, burst=10) is OUT


def test_large_answers_count_as_many_commands() -> None:
    """They may cost the burst, then what the rate allows; other commands are carried out."""
    pace = Pace()
    pace.charge(9 * BYTES_PER_COMMAND, 100.0, rate=5, burst=10)
    before = pace.is_overdrawn(100.0, rate=5, burst=10)
    pace.charge(9 * BYTES_PER_COMMAND, 100.0, rate=5, burst=10)

    assert not before
    assert pace.is_overdrawn(101.5, rate=5, burst=10)
    assert not pace.is_overdrawn(101.7, rate=5, burst=10)
    assert pace.judge(100.0, rate=5, burst=10) is OUT


def test_one_very_large_answer_is_paid_for_in_the_end() -> None:
    """However large it was."""
    pace = Pace()
    pace.charge(10**9, 100.0, rate=5, burst=10)

    assert pace.is_overdrawn(101.9, rate=5, burst=10)
    assert not pace.is_overdrawn(102.1, rate=5, burst=10)
