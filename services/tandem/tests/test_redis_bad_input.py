"""A Redis that is wrong in one way: what to do is said at the first call, in the log at start, and by the doctor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured

from rig.overrides import override_tandem
from rig.redis_program import need_clusters, need_tls
from rig.secured import make_certificate
from rig.servers import RedisServer, Server, find_redis, free_port, wait_until
from tandem import scripts
from tandem.async_shards import AsyncShards
from tandem.conf import read
from tandem.doctor.at_start import tell_at_start
from tandem.doctor.redis import try_redis
from tandem.errors import RedisUnavailable
from tandem.redis.cures import cure_of
from tandem.redis.run import Run, read_greeting
from tandem.redis.slots import SLOTS
from tandem.shards import open_shards


def served(tmp_path: Path, case: str) -> tuple[Server, str]:
    """Return a server that is wrong in that way, and its address."""
    server = RedisServer(tmp_path, *OPTIONS.get(case, ()))
    if "--cluster-port" in server.command:
        need_clusters()
    at = f"127.0.0.1:{server.port}/0"
    if case == "no master":
        config = tmp_path / "sentinel.conf"
        config.write_text(f"port {server.port}\nbind 127.0.0.1\ndir {tmp_path}\n")
        sentinel = Server([find_redis(), str(config), "--sentinel"], server.port)
        return sentinel, f"redis+sentinel://127.0.0.1:{server.port}/x"
    if case in ("another CA", "no certificate"):
        need_tls()
        key, certificate = make_certificate(tmp_path)
        port = str(free_port())
        names = {"cert": certificate, "key": key, "ca-cert": certificate}
        files = [option for name, file in names.items() for option in (f"--tls-{name}-file", str(file))]
        server = RedisServer(tmp_path, "--tls-port", port, *files)
        return server, f"rediss://localhost:{port}/0" + (f"?ssl_ca_certs={certificate}" * (case == "no certificate"))
    if case == "no TLS":
        return server, f"rediss://{at}"
    if case in ("no right to publish", "no right to a key"):
        allowed = ("~tandem:*", "&other*") if case == "no right to publish" else ("~other*", "&asgi*")
        acl = tmp_path / "users.acl"
        acl.write_text(f"user default off\nuser app on >pw {allowed[0]} resetchannels {allowed[1]} +@all\n")
        return RedisServer(tmp_path, "--aclfile", str(acl), port=server.port), f"redis://app:pw@{at}"
    if case.startswith("nodes announced"):
        need_clusters()
        server = RedisServer(
            tmp_path, *OPTIONS["cluster"], "--cluster-announce-port", str(free_port()), port=server.port
        )
    scheme = "redis+cluster" if case in NODES else "redis"
    return server, f"{scheme}://{'app:wrong@' if case == 'wrong password' else ''}{at}"


OPTIONS = {
    "no password": ("--requirepass", "secret"),
    "wrong password": ("--requirepass", "secret"),
    "cluster": ("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
    "cluster without slots": ("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
    "password of a cluster": (
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        str(free_port()),
        "--requirepass",
        "secret",
    ),
    "replica": ("--replicaof", "127.0.0.1", "1"),
}
NODES = ("no cluster", "cluster without slots", "nodes announced elsewhere", "password of a cluster")
CASES = {
    "no password": "put user and password into the address",
    "wrong password": "put user and password into the address",
    "no right to publish": "grant its user the rights that docs/reference.md",
    "no right to a key": "grant its user the rights that docs/reference.md",
    "cluster": "say so in the address: redis+cluster://",
    "no cluster": "write redis://host:6379 for one Redis",
    "cluster without slots": "bring back the node that had these slots",
    "nodes announced elsewhere": "if that node runs, have the cluster announce its nodes",
    "password of a cluster": "put user and password into the address",
    "replica": "give the address of the master",
    "another CA": "name the CA that signed its certificate",
    "no certificate": " a certificate of ours: rediss://",
    "no TLS": "if it does not speak TLS at that port, write redis://",
    "no master": "name the master as the Sentinels do",
}


@pytest.mark.parametrize(("case", "cure"), CASES.items())
def test_sentence_names_what_to_change(tmp_path: Path, caplog: pytest.LogCaptureFixture, case: str, cure: str) -> None:
    """Publishing, the sockets' side, the log of a start, and the doctor."""
    caplog.set_level(logging.INFO, "tandem.redis")
    server, url = served(tmp_path, case)
    with server, override_tandem(redis_urls=[url]):
        if case == "nodes announced elsewhere":
            give_every_slot(server)
        with pytest.raises(RedisUnavailable) as sync_error:
            open_shards([url], timeout=2).run("kept:a", scripts.read_call("kept:a", None, 0))
        with pytest.raises(RedisUnavailable) as async_error:
            asyncio.run(read_once(url))
        tell_at_start().join(20)
        findings = [each for each in try_redis(url) if each.level == "wrong"]

    assert cure in str(sync_error.value)
    assert cure in str(async_error.value)
    assert [cure[1:] in each.cure for each in findings] == [True]
    [said] = [record.getMessage() for record in caplog.records if "redis.wrong" in record.getMessage()]
    assert cure[1:] in said


def give_every_slot(server: RedisServer) -> None:
    """Let it be all of a cluster."""
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
        wait_until(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO", NEVER_DECODE=[]))


async def read_once(url: str) -> None:
    """Read as the sockets do."""
    shards = AsyncShards([url])
    try:
        await shards.run("kept:a", scripts.read_call("kept:a", None, 0))
    finally:
        await shards.close()


@pytest.fixture
def evicting(tmp_path: Path) -> Iterator[str]:
    """A Redis that throws away what it likes."""
    with RedisServer(tmp_path, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru") as server:
        yield server.url


def test_policy_that_evicts_is_said_at_start(evicting: str, caplog: pytest.LogCaptureFixture) -> None:
    """It serves us, until it is full."""
    with override_tandem(redis_urls=[evicting]):
        tell_at_start().join(20)

    [said] = [record.getMessage() for record in caplog.records if "redis.wrong" in record.getMessage()]
    assert "allkeys-lru" in said
    assert "noeviction" in said


@pytest.mark.parametrize(
    ("server", "replication", "expected"),
    [
        ("redis_version:6.0.16\r\nrun_id:a", "role:master", "its version is 6.0.16"),
        ("redis_version:6.2.0\r\nrun_id:a", "role:master", ""),
        ("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\nrun_id:a", "role:master", ""),
        ("run_id:a", redis.ResponseError("NOPERM"), ""),
        ("redis_version:7.0.0\r\nredis_mode:cluster", "role:master", "it is a node of a cluster"),
        ("redis_version:7.2.4\r\nserver_mode:cluster", "role:master", "it is a node of a cluster"),
        ("redis_version:7.0.0\r\nrun_id:a", "role:slave", "READONLY it is a replica, which takes no writes"),
    ],
)
def test_what_a_redis_says_of_itself(server: Any, replication: Any, expected: str) -> None:
    """Too old, in cluster mode or a replica: it cannot serve us. What it does not say is nothing to hold against it."""
    assert read_greeting(server, replication).refusal == expected


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("redis_version:7.0.0\r\nredis_mode:cluster", ""),
        ("redis_version:7.0.0\r\nredis_mode:standalone", "it is no cluster"),
        ("redis_version:7.2.4\r\nserver_mode:standalone", "it is no cluster"),
        ("redis_version:6.2.14\r\nredis_mode:cluster", "its version is 6.2.14, without sharded pub/sub"),
        ("run_id:a", ""),
    ],
)
def test_what_a_node_says_of_itself(server: str, expected: str) -> None:
    """Where the address says that there is a cluster there has to be one, of 7.0 or later. It proves nothing kept."""
    kept = {"appendonly": "yes", "appendfsync": "always"}
    greeted = read_greeting(server, "role:master", kept, is_node=True)

    assert greeted.refusal == expected
    assert not greeted.run.keeps


@pytest.mark.parametrize(
    ("config", "keeps"),
    [
        ({"appendonly": "yes", "appendfsync": "always"}, True),
        ([b"appendonly", b"yes", b"appendfsync", b"always"], True),
        ({"appendonly": "yes", "appendfsync": "everysec"}, False),
        ({"appendonly": "no", "appendfsync": "always"}, False),
        (redis.ResponseError("unknown command"), False),
    ],
)
def test_only_fsync_on_every_write_keeps_everything(config: Any, keeps: bool) -> None:
    """Whatever else Redis does, or does not tell, counts as having lost something; so does having been promoted."""
    promoted = f"role:master\r\nmaster_replid2:{'a' * 40}\r\n"

    assert read_greeting(b"run_id:a\r\n", f"role:master\r\nmaster_replid2:{'0' * 40}", config).run == Run("a", keeps)
    assert read_greeting(b"run_id:a\r\n", promoted, config).run == Run("a", keeps=False)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis+cluster://", "names some of its nodes: write redis+cluster://"),
        ("redis+cluster://a:b", "a node has a host and a port, not 'a:b'"),
        ("redis+cluster://a:1/2", "no database but 0, not '2': set TANDEM_REDIS_PREFIX"),
        ("redis+sentinel://a:1", "names them and the master"),
        ("redis+sentinel:///x", "names them and the master"),
        ("redis+sentinel://a:b/x", "a Sentinel has a host and a port"),
        ("http://a", "redis://, rediss://, unix://"),
        ("rediss://a?ssl_ca_certs=/nowhere/ca.crt", "/nowhere/ca.crt"),
    ],
)
def test_address_that_cannot_be(url: str, sentence: str) -> None:
    """Said when the settings are read, by check too."""
    with pytest.raises(ImproperlyConfigured) as error:
        read({"redis_urls": [url]}, {})

    assert sentence in str(error.value)


def test_addresses_in_the_environment() -> None:
    """Between addresses stands a comma, and between Sentinels, too."""
    urls = ["redis+sentinel://a:1,b:2/main/0", "redis://c", "rediss+sentinel://d,e/main"]

    assert read({}, {"TANDEM_REDIS_URLS": ", ".join(urls)}).redis_urls == urls


def test_cluster_is_the_only_address() -> None:
    """It spreads the channels by itself."""
    assert read({}, {"TANDEM_REDIS_URLS": "redis+cluster://a:1,b:2"}).redis_urls == ["redis+cluster://a:1,b:2"]
    with pytest.raises(ImproperlyConfigured, match="a cluster is the only address"):
        read({"redis_urls": ["redis+cluster://a:1", "redis+cluster://b:1"]}, {})


@pytest.mark.parametrize(
    "said",
    ["connection lost: [Errno 104] Connection reset by peer", "EOF occurred in violation of protocol (_ssl.c:2427)"],
)
def test_cut_before_the_alert_names_the_certificate_over_tls_alone(said: str) -> None:
    """TLS 1.3 refuses a client without a certificate after the handshake: a reset may overtake the reason."""
    assert "a certificate of ours: rediss://" in cure_of(said, is_tls=True)
    assert cure_of(said) == ""
