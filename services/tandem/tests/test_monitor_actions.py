"""Many processes, one page."""

from __future__ import annotations

import pytest

from rig.overrides import override_tandem
from tandem.census import Answer, Client, Crowd, LogLine
from tandem.errors import InvalidChannel, RedisUnavailable, UnknownNamespace
from tandem.monitor import actions
from tandem.tokens import Verifier, secret_keys

pytestmark = pytest.mark.usefixtures("project")


def answer(pod: str, connections: int, **more: object) -> Answer:
    """What one process tells."""
    told = {"users": [], "channels": [], "clients": [], "warnings": [], **more}
    return Answer(
        pod=pod,
        node=f"{pod}-0123456789",
        is_draining=False,
        transports={"websocket": connections},
        user_count=1,
        channel_count=2,
        **told,  # type: ignore[arg-type]  # the lists above
    )


def test_processes_are_added_up() -> None:
    """A user on two pods is one user; complaints of all pods are in the order in which they came."""
    first = answer("a", 3, users=[Crowd("7", 2), Crowd("", 1)], warnings=[LogLine("2026-01-01", "error", "x", "old")])
    second = answer("b", 5, users=[Crowd("7", 4)], warnings=[LogLine("2026-01-02", "warning", "y", "new")])

    merged = actions.merge([first, second])

    assert merged["connections"] == 8
    assert [(pod["pod"], pod["connections"], pod["node"]) for pod in merged["pods"]] == [
        ("a", 3, "a-012345"),
        ("b", 5, "b-012345"),
    ]
    assert merged["users"] == [{"name": "7", "count": 6}, {"name": "", "count": 1}]
    assert [(line["event"], line["pod"]) for line in merged["warnings"]] == [("new", "b"), ("old", "a")]


def test_without_a_realtime_process_the_page_is_empty() -> None:
    """Nobody answers, nothing is waited for."""
    assert actions.overview() == {
        "connections": 0,
        "pods": [],
        "users": [],
        "channels": [],
        "warnings": [],
        "paused": "",
    }


@pytest.mark.usefixtures("redis_down")
def test_without_redis_the_page_says_so() -> None:
    """The error is typed, and comes at once."""
    with pytest.raises(RedisUnavailable):
        actions.overview()


@override_tandem(token_keys=["a-key-of-the-test"])
def test_a_tap_is_a_subscription_token_for_each_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's tap covers what the user is subscribed to in any process, up to a limit."""
    clients = [Client("c1", "7", ["public:a", "room:b"]), Client("c2", "7", ["room:b"])]
    monkeypatch.setattr(actions, "connections_of", lambda user: clients if user == "7" else [])
    verifier = Verifier(secret_keys(["a-key-of-the-test"]))

    tapped = actions.tap(user="7", by="staff")

    assert list(tapped.channels) == ["public:a", "room:b"]
    assert [verifier.subscription(token).channel for token in tapped.channels.values()] == ["public:a", "room:b"]
    monkeypatch.setattr(actions, "MAX_TAPPED", 1)
    assert actions.tap(user="7", by="staff").left_out == 1


def test_a_tap_needs_a_channel_that_can_be() -> None:
    """A misspelt namespace is told, not tapped in vain."""
    with pytest.raises(UnknownNamespace):
        actions.tap(channel="nowhere:x", by="staff")
    with pytest.raises(InvalidChannel):
        actions.tap(channel="", by="staff")
