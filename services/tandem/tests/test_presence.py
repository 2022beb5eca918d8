"""Presence over a real Redis: who comes, who goes, who comes back before anybody noticed, whose process died."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis

from tandem import presence
from tandem.errors import UnknownNamespace
from tandem.groups import group_for, layer_channel
from tandem.shards import shards

ROOM = "room:7"


def info(client: str, user: str) -> bytes:
    return msgspec.json.encode({"user": user, "client": client})


class Room:
    """One channel, and what is said to its group."""

    def __init__(self, store: redis.Redis) -> None:
        self._listener = store.pubsub(ignore_subscribe_messages=True)
        self._listener.subscribe(layer_channel(group_for(ROOM)))
        self._listener.get_message(timeout=1)

    def enter(self, client: str, user: str = "42") -> None:
        change = presence.enter(client, info(client, user), user)
        shards().run(ROOM, presence.change_call(ROOM, [change], announce=True))

    def leave(self, client: str, user: str = "42", *, hold: float = 15.0) -> None:
        change = presence.leave(client, info(client, user), user, hold=hold)
        shards().run(ROOM, presence.change_call(ROOM, [change], announce=True))

    def sweep(self) -> int:
        return int(shards().run(ROOM, presence.sweep_call(ROOM, announce=True)))

    def said(self) -> list[tuple[str, str]]:
        """Return what was said since the last call: join or leave, and which client."""
        said = []
        while message := self._listener.get_message(timeout=0.05):
            told: dict[str, Any] = msgspec.msgpack.decode(message["data"])
            said.append((told["type"], msgspec.json.decode(told["info"])["client"]))
        return said

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def room(store: redis.Redis) -> Iterator[Room]:
    """An empty room."""
    room = Room(store)
    yield room
    room.close()


def test_who_is_here_is_counted_by_client_and_by_user(room: Room) -> None:
    """Two tabs are two clients and one user."""
    room.enter("a", "42")
    room.enter("b", "42")
    room.enter("c", "43")

    assert presence.presence(ROOM) == {"a": info("a", "42"), "b": info("b", "42"), "c": info("c", "43")}
    assert presence.presence_stats(ROOM) == (3, 2)
    assert room.said() == [("join", "a"), ("join", "b"), ("join", "c")]


def test_final_leave_is_told_at_once(room: Room) -> None:
    """Unsubscribed on purpose: not a cut that may heal."""
    room.enter("a")
    room.leave("a", hold=0)

    assert presence.presence(ROOM) == {}
    assert room.said() == [("join", "a"), ("leave", "a")]


def test_leave_is_held_back(room: Room) -> None:
    """Nobody is told before the time is up; who asks until then finds what the others know."""
    room.enter("a")
    room.leave("a", hold=0.2)
    early = room.sweep(), presence.presence(ROOM)
    said = room.said()
    time.sleep(0.21)

    assert early == (0, {"a": info("a", "42")})
    assert said == [("join", "a")]
    assert presence.presence(ROOM) == {}
    assert room.sweep() == 1
    assert room.said() == [("leave", "a")]


def test_user_that_comes_back_causes_neither(room: Room) -> None:
    """A reconnect has another client id and the same user."""
    room.enter("a")
    room.leave("a", hold=0.05)
    room.enter("b")
    time.sleep(0.06)

    assert room.sweep() == 0
    assert room.said() == [("join", "a")]
    assert presence.presence(ROOM) == {"b": info("b", "42")}


def test_who_asks_while_a_user_is_away_knows_him_when_he_is_back(room: Room) -> None:
    """His return is told to nobody: a page that was opened meanwhile would not show him until the next reload."""
    room.enter("a")
    room.leave("a")
    asked = presence.presence(ROOM)
    room.enter("b")

    assert presence.count(asked) == presence.presence_stats(ROOM) == (1, 1)
    assert room.said() == [("join", "a")]


def test_where_nobody_is_told_nothing_is_held_back(room: Room) -> None:
    """Presence without joins and leaves is who is connected now."""
    room.enter("a")
    change = presence.leave("a", info("a", "42"), "42", hold=15)
    shards().run(ROOM, presence.change_call(ROOM, [change], announce=False))

    assert presence.presence(ROOM) == {}


def test_each_return_takes_one_place(room: Room) -> None:
    """Two tabs are cut off and one comes back: the other has left."""
    room.enter("a")
    room.enter("b")
    room.leave("a", hold=0.05)
    room.leave("b", hold=0.05)
    room.enter("c")
    time.sleep(0.06)

    assert room.sweep() == 1
    assert room.said() == [("join", "a"), ("join", "b"), ("leave", "b")]


def test_changes_that_are_told_together_are_made_in_order(room: Room) -> None:
    """One call does what one for each would: in, cut off, back, and out on purpose."""
    ada, tab = info("ada", "42"), info("tab", "42")
    changes = [
        presence.enter("ada", ada, "42"),
        presence.leave("ada", ada, "42", hold=15),
        presence.enter("tab", tab, "42"),
        presence.enter("bob", info("bob", "43"), "43"),
        presence.leave("tab", tab, "42", hold=0),
    ]
    shards().run(ROOM, presence.change_call(ROOM, changes, announce=True))

    assert room.said() == [("join", "ada"), ("join", "bob"), ("leave", "tab")]
    assert list(presence.presence(ROOM)) == ["bob"]


def test_return_after_the_leave_is_a_join(room: Room) -> None:
    """What was told as left is told as come."""
    room.enter("a")
    room.leave("a", hold=0.01)
    time.sleep(0.02)
    room.sweep()
    room.enter("b")

    assert room.said() == [("join", "a"), ("leave", "a"), ("join", "b")]


def test_anonymous_clients_take_nobody_s_place(room: Room) -> None:
    """Two of them may be two people: nobody waits for the one to be back."""
    room.enter("a", "")
    room.leave("a", "", hold=15)
    room.enter("b", "")

    assert room.said() == [("join", "a"), ("leave", "a"), ("join", "b")]
    assert list(presence.presence(ROOM)) == ["b"]


def test_clients_of_a_dead_process_go_when_their_time_is_up(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody keeps them: they are not present any more, and the next sweep tells."""
    monkeypatch.setattr(presence, "TTL_SECONDS", 0.1)
    room.enter("dead")
    room.enter("kept")
    time.sleep(0.06)
    shards().run(ROOM, presence.keep_call(ROOM, [("kept", info("kept", "42"))]))
    time.sleep(0.06)

    assert presence.presence(ROOM) == {"kept": info("kept", "42")}
    assert room.sweep() == 1
    assert room.said() == [("join", "dead"), ("join", "kept"), ("leave", "dead")]


def test_sweeping_twice_tells_once(room: Room) -> None:
    """Every process sweeps."""
    room.enter("a")
    room.leave("a", hold=0.01)
    time.sleep(0.02)

    assert [room.sweep(), room.sweep()] == [1, 0]


def test_nothing_is_left_in_redis(room: Room, store: redis.Redis) -> None:
    """Of a room that everybody has left."""
    for client, user in (("a", "42"), ("b", ""), ("c", "43")):
        room.enter(client, user)
        room.leave(client, user, hold=0.01)
    room.enter("d", "43")
    room.leave("d", "43", hold=0)
    time.sleep(0.02)
    room.sweep()

    assert store.keys("tandem:presence*") == []


def test_many_that_come_back_at_once_cost_little(room: Room) -> None:
    """A drained process sends thousands away and back within a second: no walk through all of them for each."""
    for number in range(1000):
        room.enter(f"a{number}", str(number))
        room.leave(f"a{number}", str(number))
    started = time.perf_counter()
    for number in range(100):
        room.enter(f"b{number}", str(number))
    first = time.perf_counter() - started

    assert first < 1.0
    assert len(presence.presence(ROOM)) == 1000


def test_client_that_never_came_cannot_leave(room: Room) -> None:
    """Redis was away when it came."""
    room.leave("a")
    room.leave("b", hold=0)

    assert room.said() == []
    assert presence.presence(ROOM) == {}


def test_undeclared_namespace_is_refused(store: redis.Redis) -> None:
    """As everywhere."""
    with pytest.raises(UnknownNamespace):
        presence.presence("nowhere:a")
