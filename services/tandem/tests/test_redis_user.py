"""A user of Redis that may touch nothing but Tandem's names: what the reference grants is enough."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

import tandem
from rig.overrides import override_tandem
from rig.servers import RedisServer
from tandem import control, last_release, presence, revocations, scripts, streams
from tandem.layer import ChannelLayer
from tandem.namespaces import Namespace
from tandem.pause_mark import look_command, mark_command, parse_mark, unmark_command
from tandem.publication import Position, pack_body
from tandem.scripts import Call
from tandem.shards import shards
from tandem.tickets import create_ticket, take_command

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"
CHANNEL = "kept:a"
NAMESPACE = Namespace(history_size=5, history_ttl=60)


@pytest.fixture
def user(own_redis: RedisServer) -> Iterator[str]:
    """The address at which Tandem is that user."""
    [rules] = re.findall(r"^ACL SETUSER tandem on (.+)$", REFERENCE.read_text(), re.MULTILINE)
    with redis.Redis.from_url(own_redis.url) as client:
        client.execute_command("ACL", "SETUSER", "tandem", "on", *rules.split())
    url = f"redis://tandem:secret@127.0.0.1:{own_redis.port}/0"
    with override_tandem(redis_urls=[url]):
        yield url


def calls() -> Iterator[Call]:
    """Every script, as it is called."""
    body = pack_body(CHANNEL, b"1", tags=b"", info=b"", time=0, request="")
    yield scripts.publish_call(CHANNEL, NAMESPACE, body, once=None)
    yield scripts.publish_call(CHANNEL, NAMESPACE, body, once="a")
    yield scripts.publish_call(CHANNEL, NAMESPACE, body, once=None, version=1)
    yield scripts.publish_call("live:a", Namespace(), body, once=None)
    yield scripts.publish_batch_call(CHANNEL, NAMESPACE, {"b": body, "c": body}, once_ttl=60)
    yield scripts.forget_call(CHANNEL, ["b", "c"])
    yield scripts.read_call(CHANNEL, None, 5)
    yield scripts.check_call([(CHANNEL, Position("", 0))])
    yield scripts.renew_call(CHANNEL)
    yield scripts.remove_call(CHANNEL)
    yield revocations.revoke_call([revocations.Revocation("user 42", 1, 60)])
    yield revocations.begin_refill_call()
    yield revocations.end_refill_call("mark")
    yield revocations.page_call()
    yield presence.change_call("room:a", [presence.enter("c", b'{"user":""}', "")], announce=True)
    yield presence.keep_call("room:a", [("c", b"{}")])
    yield presence.read_call("room:a")
    yield presence.sweep_call("room:a", announce=True)
    yield presence.change_call("room:a", [presence.leave("c", b"{}", "", hold=0)], announce=True)
    yield from last_release.calls_for(control.Disconnect(user="42"))


def test_every_script_may_run(user: str, own_redis: RedisServer) -> None:
    """Nothing touches a key of another name: not an empty one, and none that the script made up."""
    ran = set()
    for call in calls():
        shards().run(CHANNEL, call)
        ran.add(call.script)
    with redis.Redis.from_url(own_redis.url, decode_responses=True) as client:
        keys = client.keys()

    assert ran == set(scripts.ALL)
    assert [key for key in keys if not key.startswith("tandem:")] == []


def test_what_a_project_calls_may_run(user: str) -> None:
    """With and without an idempotency key; tickets, history, control and a pause's mark too."""
    first = tandem.publish(CHANNEL, 1)
    second = tandem.publish(CHANNEL, 2, idempotency_key="a")
    control.revoke([revocations.Revocation("user 42", 1, 60)])
    [ticket] = shards().commands(0, [take_command(create_ticket("42"))])
    since = datetime(2026, 11, 26, tzinfo=UTC)
    _, mark, taken = shards().commands(0, [mark_command(since), look_command(), unmark_command()])

    assert (first.offset, second.offset) == (1, 2)
    assert len(streams.history(CHANNEL, limit=5).publications) == 2
    assert b"42" in ticket
    assert parse_mark(mark) == parse_mark(taken) == since


async def test_layer_may_publish_and_subscribe(user: str) -> None:
    """Groups and channels alike."""
    layer = ChannelLayer()
    name = await layer.new_channel()
    await layer.group_add("g", name)
    await layer.group_send("g", {"type": "hello"})
    await layer.send(name, {"type": "you"})
    heard = [(await layer.receive(name))["type"] for _ in range(2)]
    await layer.flush()

    assert sorted(heard) == ["hello", "you"]
