"""Joins and leaves: at once where few hear them, together where many do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tandem.namespaces import Namespace
from tandem_realtime.hub import Subscription, attendance
from tandem_realtime.hub.attendance import CROWD, Attendance, News
from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.protocol.encodings import LINES


class Member:
    """Somebody who is told."""

    encoding = LINES

    def __init__(self, channel: LiveChannel, name: str) -> None:
        self.heard: list[bytes] = []
        subscription: Any = Subscription(self, channel.name)  # type: ignore[arg-type] # as much of a client as it takes
        subscription.member = name
        channel.add(subscription)

    def write(self, data: bytes) -> None:
        """Be told."""
        self.heard.append(data)

    @property
    def news(self) -> list[list[tuple[str, str]]]:
        """What was told by each write: join or leave, and whose."""
        pushes = [[json.loads(line)["push"] for line in data.splitlines()] for data in self.heard]
        return [
            [(kind, push[kind]["info"]["client"]) for push in each for kind in push if kind != "channel"]
            for each in pushes
        ]


def news(kind: str, client: str) -> News:
    return News(kind, json.dumps({"user": "", "client": client}).encode())


def room(members: int) -> tuple[LiveChannel, list[Member]]:
    channel = LiveChannel("room:a", Namespace(join_leave=True, subscribe="anyone"))
    return channel, [Member(channel, f"m{number}") for number in range(members)]


async def test_few_are_told_at_once_and_nobody_of_his_own_coming() -> None:
    """Each in a write of its own."""
    channel, (first, second) = room(2)
    told = Attendance(lambda: None)
    told.tell(channel, news("join", "m1"))
    told.tell(channel, news("leave", "m0"))

    assert first.news == [[("join", "m1")], [("leave", "m0")]]
    assert second.news == [[("leave", "m0")]]


async def test_crowd_is_told_together_and_not_of_those_who_came_and_went(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred commands of one client are nothing to anybody; what is left is one write for each."""
    monkeypatch.setattr(attendance, "SECONDS", 0.05)
    channel, members = room(CROWD + 1)
    told = Attendance(lambda: None)
    for _ in range(50):
        told.tell(channel, news("join", "flapping"))
        told.tell(channel, news("leave", "flapping"))
    told.tell(channel, news("join", "m3"))
    told.tell(channel, news("leave", "m4"))
    told.tell(channel, news("join", "m4"))
    told.tell(channel, news("leave", "gone"))

    assert members[0].heard == []
    await asyncio.sleep(0.1)
    assert members[0].news == [[("join", "m3"), ("leave", "gone")]]
    assert members[3].news == [[("leave", "gone")]]


def test_what_is_no_client_is_refused() -> None:
    """Anybody may send to a group."""
    channel, _ = room(1)

    with pytest.raises(ValueError, match="a join of nobody"):
        Attendance(lambda: None).tell(channel, News("join", b"[]"))
