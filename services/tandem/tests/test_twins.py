"""The Lua scripts on a real Redis beside their twins in memory: every reply and every message is the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem import presence, revocations, scripts
from tandem.memory.store import Store
from tandem.namespaces import Namespace
from tandem.publication import Position, pack_body
from tandem.redis.run import Run
from tandem.scripts import Call, twins

NAMESPACES = {"kept": Namespace(history_size=3, history_ttl=60), "plain": Namespace()}
HOLDS = [0, 60, 0.001]


class Both:
    """Runs a call on Redis and in memory, and says where the answers differ."""

    def __init__(self, client: redis.Redis) -> None:
        client.flushall()
        client.script_flush()
        self.redis = client
        self.store = Store()
        self.pubsub = client.pubsub(ignore_subscribe_messages=True)
        self.pubsub.psubscribe("*")
        self.pubsub.get_message(timeout=1)
        self.sent: list[tuple[bytes, Any]] = []
        self.epochs: list[str] = []
        self.store._publish = self._note(self.store._publish)  # type: ignore[assignment, method-assign]
        self.boot("first", kept=False)

    def _note(self, publish: Callable[[bytes, bytes], int]) -> Callable[[bytes, bytes], int]:
        def note(name: bytes, data: bytes) -> int:
            self.sent.append((name, _read(data)))
            return publish(name, data)

        return note

    def boot(self, run: str, *, kept: bool) -> None:
        """Have both look as if they had restarted."""
        self.now = Run(run, keeps=kept)

    def run(self, call: Call) -> Any:
        """Run *call* on both and return the reply, which is the same."""
        return self.same(*call.eval(self.now))

    def same(self, *command: Any) -> Any:
        """Send one command to both and return the reply."""
        outcomes = [_outcome(run, command) for run in (self.redis.execute_command, self.store.execute)]
        assert outcomes[0] == outcomes[1], command
        return outcomes[0]

    def messages(self) -> list[tuple[bytes, Any]]:
        """Return what Redis has sent since the last call."""
        found: list[tuple[bytes, Any]] = []
        while len(found) < len(self.sent):
            message = self.pubsub.get_message(timeout=1)
            assert message is not None, f"Redis sent {found}, memory {self.sent}"
            if message["type"] == "pmessage":
                found.append((message["channel"], _read(message["data"])))
        extra = self.pubsub.get_message(timeout=0.0)
        assert extra is None or extra["type"] != "pmessage"
        return found


def _outcome(run: Callable[..., Any], command: tuple[Any, ...]) -> Any:
    try:
        return _plain(run(*command))
    except redis.ResponseError:
        return redis.ResponseError


def _plain(reply: Any) -> Any:
    if isinstance(reply, list | tuple):
        return [_plain(each) for each in reply]
    return reply.encode() if isinstance(reply, str) else reply


def _read(data: bytes) -> Any:
    """A map of Lua has no order."""
    message = msgspec.msgpack.decode(data)
    return {**message, "id": "of its own"} if "id" in message else message


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """The shared Redis."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


channels = st.sampled_from(["kept:a", "kept:a", "kept:a", "kept:b", "plain:a"])
rooms = st.just("plain:a")
offsets = st.integers(0, 5)
which = st.sampled_from([0, 1, 1, 1, 2, 3])
clients = st.sampled_from(["c1", "c2", "c3"])
users = st.sampled_from(["", "ada", "bob"])
of_streams = st.one_of(
    st.tuples(st.just("publish"), channels, st.sampled_from([None, None, "k1", "k2"]), st.sampled_from([1, 1, 1, 0])),
    st.tuples(st.just("publish_version"), st.just("kept:a"), st.integers(1, 4), st.sampled_from(["", "x"])),
    st.tuples(
        st.just("read"),
        *(channels, which, offsets, st.integers(0, 4), st.booleans(), st.booleans(), st.booleans()),
        st.sampled_from([0, 1, 1000]),
    ),
    st.tuples(st.just("check"), channels, which, offsets),
    st.tuples(st.just("remove"), channels),
    st.tuples(
        st.just("publish_batch"), channels, st.lists(st.sampled_from(["k1", "k2", "k3"]), min_size=1, unique=True)
    ),
    st.tuples(st.just("break_stream"), channels),
    st.tuples(st.just("renew"), channels),
    st.tuples(st.just("let_go"), channels),
    st.tuples(st.just("restart"), st.booleans()),
    st.tuples(st.just("forget"), channels, st.sampled_from(["meta", "stream"])),
)
changes = st.one_of(st.tuples(clients, users), st.tuples(clients, users, st.sampled_from(HOLDS)))
of_presence = st.one_of(
    st.tuples(st.just("change"), rooms, st.lists(changes, min_size=1, max_size=3), st.booleans()),
    st.tuples(st.just("keep"), rooms, st.lists(clients, unique=True)),
    st.tuples(st.just("sweep"), rooms, st.booleans()),
    st.tuples(st.just("present"), rooms),
)


class Play:
    """Turns steps into calls."""

    def __init__(self, both: Both) -> None:
        self.both = both
        self.runs = 0

    def publish_version(self, channel: str, version: int, version_epoch: str) -> None:
        body = pack_body(channel, b"1", tags=b"", info=b"", time=7, request="")
        namespace = NAMESPACES[channel.partition(":")[0]]
        call = scripts.publish_call(channel, namespace, body, once=None, version=version, version_epoch=version_epoch)
        self._remember_epoch_of(self.both.run(call))

    def publish(self, channel: str, once: str | None, keep: int) -> None:
        body = pack_body(channel, b'{"a":1}', tags=b"", info=b"", time=7, request="")
        namespace = NAMESPACES[channel.partition(":")[0]]
        reply = self.both.run(scripts.publish_call(channel, namespace, body, once=once, keep=bool(keep)))
        self._remember_epoch_of(reply)

    def publish_batch(self, channel: str, keys: list[str]) -> None:
        bodies = {key: pack_body(channel, b"1", tags=b"", info=b"", time=7, request="") for key in keys}
        namespace = NAMESPACES[channel.partition(":")[0]]
        # Words of a refusal differ; where it came is the same.
        call = scripts.publish_batch_call(channel, namespace, bodies, once_ttl=60)
        run_of = call.eval(self.both.now)
        replies = [_outcome(run, run_of) for run in (self.both.redis.execute_command, self.both.store.execute)]
        for reply in replies:
            if isinstance(reply, list):
                reply[0] = reply[0].partition(b" ")[0]

        assert replies[0] == replies[1]

    def break_stream(self, channel: str) -> None:
        self.both.same("DEL", scripts.stream_key(channel))
        self.both.same("HSET", scripts.stream_key(channel), "not a", "stream")

    def renew(self, channel: str) -> None:
        self.both.run(scripts.renew_call(channel))

    def let_go(self, channel: str) -> None:
        self.both.run(scripts.forget_call(channel, ["k1", "k2"]))

    def _remember_epoch_of(self, reply: Any) -> None:
        if isinstance(reply, list):  # else it was refused
            self._remember(scripts.parse_published(reply).position.epoch)

    def _remember(self, epoch: str) -> None:
        if epoch and epoch not in self.both.epochs[-1:]:
            self.both.epochs.append(epoch)

    def _position(self, back: int, offset: int) -> Position | None:
        if not back:
            return None
        return Position(self.both.epochs[-back] if back <= len(self.both.epochs) else "other", offset)

    def read(
        self, channel: str, back: int, offset: int, limit: int, reverse: bool, whole: bool, is_client: bool, enough: int
    ) -> None:
        since = self._position(back, offset)
        reply = self.both.run(
            scripts.read_call(channel, since, limit, reverse=reverse, whole=whole, is_client=is_client, enough=enough)
        )
        if reply is not redis.ResponseError:
            self._remember(scripts.parse_entries(reply).state.position.epoch)

    def check(self, channel: str, back: int, offset: int) -> None:
        since = self._position(back, offset) or Position("", 0)
        self.both.run(scripts.check_call([(channel, since), ("kept:b", since)]))

    def remove(self, channel: str) -> None:
        self.both.run(scripts.remove_call(channel))

    def restart(self, kept: bool) -> None:
        self.runs += 1
        self.both.boot(f"run-{self.runs}", kept=kept)

    def forget(self, channel: str, what: str) -> None:
        key = scripts.meta_key(channel) if what == "meta" else scripts.stream_key(channel)
        self.both.same("DEL", key)

    def change(self, channel: str, changes: list[tuple[Any, ...]], announce: bool) -> None:
        self.both.run(presence.change_call(channel, [_change(*change) for change in changes], announce=announce))
        if any(0 < hold < 1 for *_, hold in (change for change in changes if len(change) == 3)):
            time.sleep(0.004)  # held back for a millisecond: it is over on both sides, or on neither

    def keep(self, channel: str, clients: list[str]) -> None:
        self.both.run(presence.keep_call(channel, [(client, _info(client, "")) for client in clients]))

    def sweep(self, channel: str, announce: bool) -> None:
        self.both.run(presence.sweep_call(channel, announce=announce))

    def present(self, channel: str) -> None:
        # In the order of their expiries, which may fall into different milliseconds on the two sides.
        call = presence.read_call(channel)
        on_redis, in_memory = (
            presence.parse_present(run(*call.eval()))
            for run in (self.both.redis.execute_command, self.both.store.execute)
        )
        assert on_redis == in_memory


def _change(client: str, user: str, hold: float | None = None) -> presence.Change:
    info = _info(client, user)
    return presence.enter(client, info, user) if hold is None else presence.leave(client, info, user, hold=hold)


def _info(client: str, user: str) -> bytes:
    return b'{"user":"%s","client":"%s"}' % (user.encode(), client.encode())


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.one_of(st.lists(of_streams, max_size=30), st.lists(of_presence, max_size=30)))
def test_any_sequence_is_answered_alike(client: redis.Redis, steps: list[tuple[Any, ...]]) -> None:
    """Replies, messages, and what is left behind."""
    both = Both(client)
    play = Play(both)
    for name, *args in steps:
        act: Callable[..., None] = getattr(play, name)
        act(*args)
    sent = both.messages()
    both.pubsub.close()

    assert sent == both.sent
    assert sorted(both.redis.keys()) == sorted(both.store.keys())


def test_revocations_are_answered_alike(client: redis.Redis) -> None:
    """But for the moment at which each ends."""
    both = Both(client)
    calls = [
        revocations.revoke_call([revocations.Revocation("user a", 2, 60), revocations.Revocation("login b", 1, 30)]),
        revocations.revoke_call([revocations.Revocation("user a", 1, 600)]),
        revocations.revoke_call([]),
        revocations.page_call(),
        revocations.page_call(limit=1),
    ]
    replies = [[run(*call.eval()) for call in calls] for run in (both.redis.execute_command, both.store.execute)]
    both.pubsub.close()
    pages = [[revocations.parse_page(reply) for reply in each[3:]] for each in replies]

    assert replies[0][:3] == replies[1][:3] == [2, 2, 2]
    assert [page.revocations for page in pages[0]] == [page.revocations for page in pages[1]]
    assert pages[0][0].revocations[1] == revocations.Revocation("user a", 2, 600)


def test_refill_is_answered_alike(client: redis.Redis) -> None:
    """The mark that was left first is everybody's; a Redis that was emptied has none."""
    both = Both(client)
    mark = both.run(revocations.begin_refill_call())
    found = [
        both.run(revocations.begin_refill_call()),
        both.run(revocations.end_refill_call("another")),
        both.run(revocations.end_refill_call(mark)),
        both.run(revocations.end_refill_call(mark)),
    ]
    both.run(revocations.begin_refill_call())
    both.redis.flushall()
    both.store.execute("FLUSHALL")
    emptied = both.run(revocations.end_refill_call(mark))
    both.pubsub.close()

    assert (found, emptied) == ([mark, 0, 1, 1], 0)


def test_every_script_has_its_twin() -> None:
    """A script without one would work in production and fail in development."""
    names = {file.name.removesuffix(".lua") for file in files("tandem.scripts").iterdir() if file.name.endswith(".lua")}

    parts, for_other_processes = {"incarnation", "meta", "append", "tell"}, {"control_of_0_1"}
    assert names - parts - for_other_processes <= {name for name in vars(twins) if not name.startswith("_")}
