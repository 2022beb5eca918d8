"""Who is told in the log of the connections, who is only counted, and that one grep answers why."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from rig.pair import TOKEN_KEY, Pair
from rig.servers import wait_until
from rig.wire import open_wire
from tandem.tokens import connection_token, subscription_token
from tandem_realtime.observing.connection_log import (
    ANONYMOUS_LINES,
    CLOSED,
    NAMED_REPEATS,
    OPENED,
    REFUSED,
    SUBSCRIPTION_REFUSED,
    UNTOLD,
    ConnectionLog,
    logger,
)

USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class Told(logging.Handler):
    """What was logged: each line's event and fields."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: value for name, value in vars(record).items() if name not in USUAL}
        self.lines.append({"event": record.getMessage(), **fields})


class Hours:
    """A clock that a test sets, and what is to be called by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, call))

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        due, self.due = self.due, [each for each in self.due if each[0] > self.now]
        for moment, call in due:
            if moment <= self.now:
                call()


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """Every line."""
    handler = Told()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def hours() -> Hours:
    """The time."""
    return Hours()


@pytest.fixture
def log(hours: Hours) -> ConnectionLog:
    """A log of its own."""
    return ConnectionLog(now=lambda: hours.now, later=hours.later)


def test_named_user_has_a_line_each(log: ConnectionLog, told: list[dict[str, Any]]) -> None:
    """With what happened to whom, from where, and why."""
    log.tell(OPENED, user="7", address="10.0.0.1", client="c1")
    log.tell(CLOSED, "shutdown", user="7", address="10.0.0.1", client="c1", code=3001, seconds=2.5)

    assert told == [
        {"event": "connection.opened", "user": "7", "address": "10.0.0.1", "client": "c1"},
        {
            "event": "connection.closed",
            "reason": "shutdown",
            "user": "7",
            "address": "10.0.0.1",
            "client": "c1",
            "code": 3001,
            "seconds": 2.5,
        },
    ]


def test_named_user_who_goes_on_is_counted(log: ConnectionLog, told: list[dict[str, Any]], hours: Hours) -> None:
    """After the first ones of a minute there is one line with the count of the rest."""
    for _ in range(500):
        log.tell(REFUSED, "token expired", user="7", address="10.0.0.1")
    hours.pass_by(61)

    assert len(told) == NAMED_REPEATS + 1
    assert told[-1] == {"event": REFUSED, "reason": "token expired", "user": "7", "count": 500 - NAMED_REPEATS}


def test_nobody_in_particular_has_a_line_a_minute(log: ConnectionLog, told: list[dict[str, Any]], hours: Hours) -> None:
    """For each event, reason and address: at once, and then as often as it goes on, with the count."""
    for _ in range(3):
        for _ in range(1000):
            log.tell(REFUSED, "stale", address="192.0.2.1", client="any")
        log.tell(REFUSED, "bad request", address="192.0.2.1")
        hours.pass_by(61)

    assert [(line["reason"], line.get("count", 1)) for line in told] == [
        *(("stale", 1), ("bad request", 1), ("stale", 999)),
        *(("bad request", 1), ("stale", 1000)),
        *(("bad request", 1), ("stale", 1000)),
    ]


def test_strangers_are_a_hundred_lines_a_minute_at_most(
    log: ConnectionLog, told: list[dict[str, Any]], hours: Hours
) -> None:
    """However many addresses there are, in whatever minute one looks; what was not told is told as a count."""
    times: list[float] = []
    for second in range(300):
        for number in range(50):
            log.tell(REFUSED, "rate", address=f"192.0.{second % 250}.{number}")
        times += [hours.now] * (len(told) - len(times))
        hours.pass_by(1)
    hours.pass_by(61)

    in_any_minute = max(sum(start <= each < start + 60 for each in times) for start in range(1000, 1300))
    assert in_any_minute <= ANONYMOUS_LINES
    assert sum(line.get("count", 1) for line in told) == 300 * 50
    assert {line["event"] for line in told} == {REFUSED, UNTOLD}


def test_flood_of_strangers_hides_no_user(log: ConnectionLog, told: list[dict[str, Any]]) -> None:
    """Whom a token proves has lines of his own."""
    for number in range(5000):
        log.tell(REFUSED, f"reason {number}", address="192.0.2.1")
    log.tell(SUBSCRIPTION_REFUSED, "permission denied", user="7", address="192.0.2.1", channel="secret:x")

    assert len(told) == ANONYMOUS_LINES
    assert told[-1]["user"] == "7"


def test_words_from_outside_stay_one_short_line(log: ConnectionLog, told: list[dict[str, Any]]) -> None:
    """Nobody writes a line of his own into the log, nor half a character that no file takes."""
    log.tell(REFUSED, "alg \n{fake}", user="7\ud800" + "x" * 5000, address="192.0.2.1", origin="a\r\nb")

    [line] = told
    assert line["reason"] == "alg ?{fake}"
    assert line["origin"] == "a??b"
    assert line["user"] == "7?" + "x" * 198
    json.dumps(line).encode()


def test_off_is_off(log: ConnectionLog, told: list[dict[str, Any]], hours: Hours) -> None:
    """And costs nothing."""
    log.is_on = False
    log.tell(REFUSED, "rate", user="7", address="192.0.2.1")
    hours.pass_by(61)

    assert told == []


def test_flush_tells_what_is_held_back(log: ConnectionLog, told: list[dict[str, Any]]) -> None:
    """A process that ends takes no count with it."""
    for _ in range(3):
        log.tell(REFUSED, "rate", address="192.0.2.1")
    log.flush()

    assert [line.get("count", 1) for line in told] == [1, 2]


def said_of(pair: Pair, user: str) -> list[dict[str, Any]]:
    """Return the lines of a running process that one grep finds."""
    assert pair.here.log is not None
    lines = pair.here.log.read_text().splitlines()
    found = [json.loads(line) for line in lines if f'"user": "{user}"' in line]
    return [{name: line[name] for name in ("event", "reason", "code", "address") if name in line} for line in found]


async def refused(pair: Pair, token: str) -> None:
    """Try to connect."""
    async with connect(f"{pair.here.ws_url}/ws/") as socket:
        await socket.send(json.dumps({"id": 1, "connect": {"token": token}}))
        with suppress(ConnectionClosed):
            await socket.recv()


async def test_one_grep_says_why_user_7_was_refused(pair: Pair) -> None:
    """A running process: who came and left, whose token ran out or says what no token can, and that no log has any."""
    here = {"address": "127.0.0.1"}
    tokens = [
        connection_token(TOKEN_KEY, "seven"),
        connection_token(TOKEN_KEY, "seven", ttl=-60),
        jwt.encode({"sub": "seven", "exp": "tomorrow"}, TOKEN_KEY, "HS256"),
        jwt.encode({"sub": 70007}, TOKEN_KEY, "HS256"),
        # By an algorithm of its own: the same reason is told of an address once a minute, whichever test brought it.
        jwt.encode({"sub": "a-forged-seven"}, "another-key-0123456789abcdefghijklm-0123456789abc", "HS384"),
    ]
    async with open_wire(f"{pair.here.ws_url}/ws/", token=tokens[0]):
        pass
    for token in tokens[1:]:
        await refused(pair, token)
    wait_until(lambda: len(said_of(pair, "seven")) == 4, what="what the log has of user seven")

    opened, closed, ran_out, malformed = sorted(said_of(pair, "seven"), key=lambda line: len(str(line)))
    text = pair.here.log.read_text() if pair.here.log else ""
    assert opened == {"event": "connection.opened", **here}
    assert closed == {"event": "connection.closed", "code": 1000, **here}
    assert ran_out == {
        "event": "connection.refused",
        "code": 109,
        **here,
        "reason": "token expired: the token has expired",
    }
    assert malformed["reason"].startswith("invalid token: the token's claims are malformed: bad operand")
    [number] = said_of(pair, "70007")
    assert number["reason"].startswith("invalid token: the token's claims are malformed: Expected `str`, got `int`")
    assert '"claimed_user": "a-forged-seven"' in text
    assert not [token for token in tokens if token in text or token.split(".")[1] in text]


async def test_one_grep_says_why_a_subscription_was_refused(pair: Pair) -> None:
    """Whose, to what, and why; a token's own fault too."""
    forged = subscription_token("another-key-0123456789abcdefghijklm", "eight", "secret:x")
    async with open_wire(f"{pair.here.ws_url}/ws/", token=connection_token(TOKEN_KEY, "eight")) as wire:
        for channel, token in (("secret:x", ""), ("secret:x", forged), ("nowhere:x", "")):
            await wire.command(subscribe={"channel": channel, "token": token})
        await wire.subscribe("public:x")

    lines = [line for line in said_of(pair, "eight") if line["event"] == SUBSCRIPTION_REFUSED]
    assert [(line["code"], line["reason"]) for line in lines] == [
        (103, "permission denied"),
        (103, "permission denied: no key verifies this HS256 token"),
        (102, "unknown channel"),
    ]
