"""What a process says of itself when the live page asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from tandem.census import Client, Crowd, Question
from tandem_realtime.observing.census import clients_of, largest


@dataclass
class Connection:
    user: str
    client: str
    subscriptions: dict[str, None] = field(default_factory=dict)


def test_the_largest_crowds_come_first():
    """By size, then by name; no more than was asked for; only names with what is searched for in them."""
    counts = {"room:b": 2, "room:a": 2, "Room:c": 9, "counter": 50}

    assert largest(counts, Question(reply_to="", search="ROOM", limit=2)) == [Crowd("Room:c", 9), Crowd("room:a", 2)]
    assert largest(counts, Question(reply_to="", limit=1)) == [Crowd("counter", 50)]
    assert largest({}, Question(reply_to="")) == []


def test_connections_of_a_user_are_told_only_when_asked_for():
    """Nobody's by default; those without a user are anonymous, which can be asked for too."""
    connections = [Connection("42", "a", {"z": None, "b": None}), Connection("", "b"), Connection("42", "c")]

    assert clients_of(None, connections, 10) == []
    assert clients_of("42", connections, 10) == [Client("a", "42", ["b", "z"]), Client("c", "42", [])]
    assert clients_of("42", connections, 1) == [Client("a", "42", ["b", "z"])]
    assert clients_of("", connections, 10) == [Client("b", "", [])]
