"""Sync scripts over several Redis: each channel in its own, errors by shard."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from rig.overrides import override_tandem
from rig.servers import RedisServer, free_port, wait_until
from tandem import RedisUnavailable, publish, scripts
from tandem.errors import RedisReplyError
from tandem.groups import shard_for
from tandem.publisher import Draft, publish_call, publish_many
from tandem.shards import shards
from tandem.streams import history
from tandem.sync_shards import Shards


def test_channels_are_spread_over_the_shards(redis_server: RedisServer, redis_url: str) -> None:
    """A stream is in the Redis that its channel hashes to, and nowhere else."""
    urls = [f"redis://127.0.0.1:{redis_server.port}/{database}" for database in (1, 2, 3)]
    channels = [f"kept:{number}" for number in range(30)]
    with override_tandem(redis_urls=urls):
        outcomes = publish_many([Draft(channel, channel) for channel in channels])
        expected = [[shard_for(channel, 3)] for channel in channels]
    places = []
    for channel in channels:
        clients = [redis.Redis.from_url(url) for url in urls]
        places.append([index for index, client in enumerate(clients) if client.exists(scripts.stream_key(channel))])

    assert all(not isinstance(outcome, Exception) for outcome in outcomes)
    assert places == expected
    assert {place for [place] in places} == {0, 1, 2}


def test_shard_that_is_down_takes_only_its_channels(redis_url: str) -> None:
    """Publishing to the others goes on."""
    urls = [redis_url, f"redis://127.0.0.1:{free_port()}/0"]
    here = next(f"kept:{n}" for n in range(99) if shard_for(f"kept:{n}", 2) == 0)
    there = next(f"kept:{n}" for n in range(99) if shard_for(f"kept:{n}", 2) == 1)
    with override_tandem(redis_urls=urls):
        assert publish(here, 1).offset == 1
        with pytest.raises(RedisUnavailable):
            publish(there, 1)
        with pytest.raises(RedisUnavailable):
            publish_many([Draft(here, 2), Draft(there, 2)])


def test_shards_are_the_process_s_own(store: redis.Redis) -> None:
    """One pool for all threads, made once."""
    seen: list[Shards] = []
    threads = [threading.Thread(target=lambda: seen.append(shards())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(each) for each in seen}) == 1


@pytest.mark.parametrize(
    ("options", "kept"), [(("--appendonly", "yes", "--appendfsync", "always"), True), ((), False)], ids=["aof", "none"]
)
def test_restart_is_noticed_with_what_was_kept(tmp_path: Path, options: tuple[str, ...], kept: bool) -> None:
    """By every script, of every project that shares this Redis."""
    with RedisServer(tmp_path, *options) as server:
        with override_tandem(redis_urls=[server.url]):
            publish("kept:a", 1)
            client = redis.Redis.from_url(server.url)
            before = client.hgetall("tandem:boot")
            server.kill()
            server.start()
            wait_until(lambda: is_loaded(client), what="Redis to read its file")
            publish("kept:a", 2)
            after = client.hgetall("tandem:boot")

    assert before[b"run"] != after[b"run"]
    assert before.get(b"incarnation") != after[b"incarnation"]
    assert (b"." in after[b"incarnation"]) == kept


def is_loaded(client: redis.Redis) -> bool:
    """Tell whether Redis has read what it kept."""
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_failover_is_followed(tmp_path: Path) -> None:
    """The name leads to another Redis, the one behind the pooled connections is its replica: nothing is refused."""
    (tmp_path / "a").mkdir()
    with RedisServer(tmp_path / "a") as old, RedisServer(tmp_path) as new, Switch(old.port) as switch:
        with override_tandem(redis_urls=[f"redis://127.0.0.1:{switch.port}/0"]):
            publish("kept:a", 1)
            redis.Redis.from_url(old.url).replicaof("127.0.0.1", new.port)
            switch.target = new.port
            publish("kept:a", 2)
            kept = redis.Redis.from_url(new.url).exists(scripts.stream_key("kept:a"))

    assert kept == 1


def test_replica_and_nothing_else_is_a_redis_that_is_away(tmp_path: Path) -> None:
    """Nobody took over yet."""
    with RedisServer(tmp_path) as server, override_tandem(redis_urls=[server.url]):
        publish("kept:a", 1)
        redis.Redis.from_url(server.url).replicaof("127.0.0.1", free_port())
        with pytest.raises(RedisUnavailable, match=r"READONLY|MASTERDOWN"):
            publish("kept:a", 2)


def test_out_of_memory_is_told_with_its_code(tmp_path: Path) -> None:
    """redis-py takes the first word away."""
    with RedisServer(tmp_path) as server, override_tandem(redis_urls=[server.url]):
        publish("kept:a", 1)
        redis.Redis.from_url(server.url).config_set("maxmemory", 1)
        with pytest.raises(RedisReplyError, match=r"^OOM "):
            publish("kept:a", 2)


def test_name_that_nobody_resolves_costs_a_quarter_of_a_second_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver hangs for much longer: in threads that nobody waits for."""
    released = threading.Event()

    def hang(*arguments: object) -> None:
        released.wait(20)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    durations = []
    with override_tandem(redis_urls=["redis://redis.invalid:6379/0"]):
        for _ in range(5):
            started = time.monotonic()
            with pytest.raises(RedisUnavailable):
                publish("kept:a", 1)
            durations.append(time.monotonic() - started)
    released.set()

    assert durations[0] < 0.6
    assert max(durations[1:]) < 0.05


class Switch:
    """A TCP relay whose target can change: new connections go there, old ones stay where they were."""

    def __init__(self, target: int) -> None:
        self.target = target

    def __enter__(self) -> Switch:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class Interrupted(threading.Thread):
    """The way to a Redis on which the first chunk is cut after its first EVALSHA; *meanwhile* is called in between."""

    def __init__(self, target: int, meanwhile: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = target
        self.meanwhile = meanwhile
        self.is_armed = False

    def run(self) -> None:
        """Serve one connection."""
        client, _ = self.listener.accept()
        with self.listener, client, socket.create_connection(("127.0.0.1", self.target)) as upstream:
            answers = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
            answers.start()
            while data := client.recv(1_000_000):
                second = data.find(b"EVALSHA", data.find(b"EVALSHA") + 1)
                if self.is_armed and second > 0:
                    self.is_armed = False
                    upstream.sendall(data[:second])
                    self.meanwhile()
                    data = data[second:]
                upstream.sendall(data)
            upstream.shutdown(socket.SHUT_RDWR)
            answers.join()


def test_publications_to_a_channel_each_are_no_transaction(own_redis: RedisServer) -> None:
    """There is no order between channels: a MULTI would be answered twice for each. Two to one channel are in one."""
    store = Shards([own_redis.url], timeout=20)
    with redis.Redis.from_url(own_redis.url) as client:
        store.run_each([(0, publish_call(Draft(f"kept:{name}", 1))) for name in "ab"])
        apart = "cmdstat_multi" in client.info("commandstats")
        store.run_each([(0, publish_call(Draft("kept:a", number))) for number in (2, 3)])
        together = client.info("commandstats")["cmdstat_multi"]["calls"]
    store.close()

    assert (apart, together) == (False, 1)


def test_scripts_forgotten_and_learned_in_mid_pipeline_reverse_nothing(own_redis: RedisServer) -> None:
    """Redis knows no script when the first call comes, and all of them when the second does: none overtakes another."""
    with redis.Redis.from_url(own_redis.url) as client:

        def learn() -> None:
            wait_until(lambda: any(each["cmd"] == "evalsha" for each in client.client_list()), what="the first call")
            for script in scripts.ALL:
                client.script_load(script.source)

        way = Interrupted(own_redis.port, learn)
        way.start()
        store = Shards([f"redis://127.0.0.1:{way.port}/0"], timeout=20)
        calls = [(0, publish_call(Draft("kept:a", number))) for number in range(3)]
        store.run_each(calls)
        client.script_flush()
        way.is_armed = True
        store.run_each(calls)
        store.close()
        way.join()

    with override_tandem(redis_urls=[own_redis.url]):
        assert [each.data for each in history("kept:a", limit=9).publications] == [b"1", b"2", b"0", b"1", b"2"]
