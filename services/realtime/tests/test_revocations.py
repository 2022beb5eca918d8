"""What was revoked, and what it means for a token."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from tandem.revocations import Revocation, of_channel, of_login, of_password, of_token, of_user
from tandem.tokens import ConnectionClaims
from tandem_realtime.revocations import Bar, Revocations
from tandem_realtime.sessions import Sessions

CLAIMS = ConnectionClaims(sub="42", sid="login", jti="jti", gen=3, channels=["a:b"])


@pytest.mark.parametrize(
    ("subject", "generation", "bar"),
    [
        (of_user("42"), 3, Bar.NOTHING),
        (of_user("42"), 4, Bar.ENDED),
        (of_user("4"), 4, Bar.NOTHING),
        (of_password("42"), 4, Bar.RENEWED),
        (of_password("42"), 3, Bar.NOTHING),
        (of_login("login"), 1, Bar.ENDED),
        (of_login("other"), 1, Bar.NOTHING),
        (of_token("jti", "42"), 1, Bar.ENDED),
        (of_token("jti", "43"), 1, Bar.NOTHING),
        (of_channel("a:b", "42"), 4, Bar.RENEWED),
        (of_channel("a:c", "42"), 4, Bar.NOTHING),
    ],
)
def test_what_bars_a_token(subject: str, generation: int, bar: Bar) -> None:
    """Its user below a generation, its login, itself; a password or a channel that it brings want another."""
    revocations = Revocations()
    revocations.add(Revocation(subject, generation, 10), 0)

    assert revocations.bar(CLAIMS, 9) is bar
    assert revocations.bar(CLAIMS, 11) is Bar.NOTHING


def test_order_and_repetition_do_not_matter() -> None:
    """The highest generation and the latest end stand."""
    revocations = Revocations()
    for generation, seconds in ((4, 10), (2, 100), (4, 5)):
        revocations.add(Revocation(of_user("42"), generation, seconds), 0)

    assert [revocations.bars(of_user("42"), 3, now) for now in (9, 99, 101)] == [True, True, False]


def test_subscription_token_is_barred_with_its_user_and_for_its_channel() -> None:
    """Below the generation."""
    revocations = Revocations()
    revocations.add(Revocation(of_channel("a:b", "42"), 4, 10), 0)

    assert revocations.bars_channel("a:b", "42", 3, 1)
    assert not revocations.bars_channel("a:b", "42", 4, 1)
    assert not revocations.bars_channel("a:b", "43", 3, 1)


def test_many_take_no_longer_each() -> None:
    """A hundred thousand logouts an hour are forgotten as they are made."""

    def fill(count: int) -> float:
        revocations, started = Revocations(), time.process_time()
        for number in range(count):
            revocations.add(Revocation(of_login(str(number)), 1, 100), number / 100)
        assert len(revocations) <= 10_001
        return (time.process_time() - started) / count

    fill(1000)

    assert fill(100_000) < 5 * fill(10_000)


def test_sessions_are_found_without_looking_at_the_others() -> None:
    """By user and login, as long as they are there; anonymous ones by client alone."""
    sessions: Sessions[Any] = Sessions()
    made = [
        SimpleNamespace(client=str(number), user=user, login=login)
        for number, (user, login) in enumerate([("a", "x"), ("a", "y"), ("b", "x"), ("", "")])
    ]
    for session in made:
        sessions.add(session)
    before = sessions.of_user("a"), sessions.of_login("x"), sessions.of_user(""), len(sessions)
    for session in (made[0], made[0], made[3]):
        sessions.remove(session)

    assert before == (made[:2], [made[0], made[2]], [], 4)
    assert (sessions.of_user("a"), sessions.of_login("x")) == ([made[1]], [made[2]])
    sessions.remove(made[1])
    sessions.remove(made[2])
    assert (sessions, sessions._users, sessions._logins) == ({}, {}, {})
