"""The methods of the server API that only the realtime processes can answer."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import redis

from tandem.census import GROUP, Answer, Crowd
from tandem.groups import layer_channel
from tests.asking import ask

pytestmark = pytest.mark.usefixtures("project")


class Process:
    """Answers the census as a realtime process does, so that no realtime service has to run here."""

    def __init__(self, url: str, answer: Answer) -> None:
        self._redis = redis.Redis.from_url(url)
        self._answer = msgspec.json.encode(answer)
        self._listener = self._redis.pubsub(ignore_subscribe_messages=True)
        self._listener.subscribe(**{layer_channel(GROUP): self._reply})
        self._listener.get_message(timeout=5)
        self._thread = self._listener.run_in_thread(sleep_time=0.01, daemon=True)

    def _reply(self, message: dict[str, bytes]) -> None:
        question = msgspec.msgpack.decode(message["data"])
        self._redis.rpush(question["reply_to"], self._answer)

    def stop(self) -> None:
        """Leave."""
        self._thread.stop()
        self._thread.join()
        self._redis.close()


def answer(pod: str, transports: dict[str, int], channels: list[Crowd]) -> Answer:
    """What one process tells."""
    return Answer(
        pod=pod,
        node=pod * 6,
        is_draining=False,
        transports=transports,
        user_count=2,
        channel_count=len(channels),
        users=[],
        channels=channels,
        clients=[],
        warnings=[],
    )


@pytest.fixture
def _processes(redis_url: str) -> Iterator[None]:
    """Two processes that have a channel in common."""
    first = answer("pod-a", {"websocket": 3, "sse": 1}, [Crowd("public:news", 3), Crowd("plain:d", 1)])
    second = answer("pod-b", {}, [Crowd("public:news", 2)])
    processes = [Process(redis_url, told) for told in (first, second)]
    yield
    for process in processes:
        process.stop()


@pytest.mark.usefixtures("_processes")
def test_channels_are_counted_over_all_processes() -> None:
    """Subscribers of one channel add up; a pattern picks channels."""
    everything = ask("channels", {})["result"]["channels"]

    assert everything == {"public:news": {"num_clients": 5}, "plain:d": {"num_clients": 1}}
    assert ask("channels", {"pattern": "pla?n:*"})["result"]["channels"] == {"plain:d": {"num_clients": 1}}


@pytest.mark.usefixtures("_processes")
def test_info_has_every_process() -> None:
    """One node each, with its counts."""
    nodes = ask("info", b"")["result"]["nodes"]

    assert [(node["name"], node["num_clients"], node["num_users"], node["num_channels"]) for node in nodes] == [
        ("pod-a", 4, 2, 2),
        ("pod-b", 0, 2, 1),
    ]


def test_nobody_is_connected_and_nothing_is_told() -> None:
    """Without a realtime service the answers are empty, not errors."""
    assert ask("channels", {}) == {"result": {"channels": {}}}
    assert ask("info", {}) == {"result": {"nodes": []}}
