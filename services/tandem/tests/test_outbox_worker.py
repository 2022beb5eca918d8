"""The worker as a process of somebody's project: every database, every shard, and told to hurry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from rig.postgres import PostgresServer
from rig.servers import RedisServer, free_port, wait_until
from tandem import scripts
from tandem.groups import shard_for

SETTINGS = """
import json, os
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "tandem"]
DATABASES = json.loads(os.environ["PROJECT_DATABASES"])
DATABASE_ROUTERS = json.loads(os.environ.get("PROJECT_ROUTERS", "[]"))
TANDEM = {"namespaces": {"kept": {"history_size": 500, "history_ttl": 60}}}

class ReadsFromTheReplica:
    def db_for_read(self, model, **hints): return "replica"
    def db_for_write(self, model, **hints): return "default"
    def allow_relation(self, a, b, **hints): return True
"""


class Project:
    """Somebody's Django project, in a folder of its own."""

    def __init__(self, directory: Path, urls: list[str], *, databases: dict[str, Any], routers: list[str]) -> None:
        (directory / "project_settings.py").write_text(SETTINGS)
        self.log = directory / "worker.log"
        self.environ = {
            **os.environ,
            "PYTHONPATH": str(directory),
            "DJANGO_SETTINGS_MODULE": "project_settings",
            "PROJECT_DATABASES": json.dumps(databases),
            "PROJECT_ROUTERS": json.dumps(routers),
            "TANDEM_REDIS_URLS": ",".join(urls),
        }
        self.workers: list[subprocess.Popen[bytes]] = []
        for alias, database in databases.items():
            if "mode=ro" not in database["NAME"]:
                self.run(
                    f"from django.core.management import call_command\ncall_command('migrate', database={alias!r})"
                )

    def run(self, code: str) -> str:
        """Run *code* in the project and return what it prints."""
        command = [sys.executable, "-c", "import django; django.setup()\n" + textwrap.dedent(code)]
        run = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def work(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        command = [sys.executable, "-m", "django", "runworker", "tandem", *options]
        with self.log.open("ab") as log:
            self.workers.append(subprocess.Popen(command, env=self.environ, stdout=log, stderr=log))
        return self.workers[-1]


@pytest.fixture
def projects(tmp_path: Path) -> Iterator[Any]:
    """Make projects whose workers end with the test."""
    made: list[Project] = []

    def make(urls: list[str], *, databases: dict[str, Any] | None = None, routers: Any = ()) -> Project:
        made.append(Project(tmp_path, urls, databases=databases or {"default": _sqlite(tmp_path)}, routers=[*routers]))
        return made[-1]

    yield make
    for project in made:
        for worker in project.workers:
            worker.kill()
            worker.wait()


def _sqlite(directory: Path, name: str = "default", query: str = "") -> dict[str, Any]:
    path = directory / f"{name}.sqlite3"
    options = {"timeout": 20, **({"uri": True} if query else {})}
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"file:{path}{query}" if query else str(path),
        "OPTIONS": options,
    }


LEAVE = """
from tandem.models import OutboxEntry
OutboxEntry.objects.using({using!r}).bulk_create(OutboxEntry(channel={channel!r}, data=str(n)) for n in range({count}))
"""
COUNT = "from tandem.models import OutboxEntry; print(OutboxEntry.objects.using({using!r}).count())"


def length(client: redis.Redis, channel: str) -> int:
    """Return how many publications the stream of *channel* has."""
    return int(client.xlen(scripts.stream_key(channel)))


def test_router_that_reads_from_a_replica_makes_no_repeats(
    own_redis: RedisServer, tmp_path: Path, projects: Any
) -> None:
    """The row is read and deleted where it was written; the replica has it for a while, and cannot lose it."""
    databases = {"default": _sqlite(tmp_path), "replica": _sqlite(tmp_path, query="?mode=ro")}
    project = projects([own_redis.url], databases=databases, routers=["project_settings.ReadsFromTheReplica"])
    left = project.run("import tandem; tandem.publish_on_commit('kept:a', 1)\n" + COUNT.format(using="default"))
    project.run(LEAVE.format(using="default", channel="kept:a", count=1))
    project.work()
    client = redis.Redis.from_url(own_redis.url)
    wait_until(lambda: length(client, "kept:a") == 2, what="the row that was left")
    wait_until(lambda: project.run(COUNT.format(using="default")) == "0\n", what="its deletion")
    for key in client.keys("tandem:once:*"):
        client.delete(key)
    time.sleep(1.5)

    assert left == "0\n"
    assert length(client, "kept:a") == 2


def test_idle_worker_keeps_its_connections(own_redis: RedisServer, projects: Any) -> None:
    """PostgreSQL begins a process for each: not one for every look, whatever the settings say of requests."""
    with PostgresServer() as postgres:
        project = projects([own_redis.url], databases={"default": postgres.database})
        project.work()

        def sessions() -> int:
            with psycopg.connect(postgres.url) as connection:
                [row] = connection.execute("SELECT sum(sessions) FROM pg_stat_database")
            return int(row[0])

        before = sessions()
        wait_until(lambda: sessions() > before + 5, what="the worker's first connections, and some of ours")
        time.sleep(2)
        begun = sessions()
        time.sleep(4)

        assert sessions() - begun <= 8


def test_rows_of_a_second_database_are_sent(own_redis: RedisServer, tmp_path: Path, projects: Any) -> None:
    """By the request that named it, and by the worker."""
    databases = {"default": _sqlite(tmp_path), "other": _sqlite(tmp_path, "other")}
    project = projects([own_redis.url], databases=databases)
    sent = project.run(
        "import tandem; tandem.publish_on_commit('kept:a', 1, using='other')\n" + COUNT.format(using="other")
    )
    project.run(LEAVE.format(using="other", channel="kept:a", count=3))
    project.work()
    client = redis.Redis.from_url(own_redis.url)
    wait_until(lambda: length(client, "kept:a") == 4, what="the rows of the second database")

    assert sent == "0\n"


def test_shard_that_hangs_holds_up_no_other(own_redis: RedisServer, tmp_path: Path, projects: Any) -> None:
    """5,000 rows of a frozen Redis, all older: those of the other are there at once, again and again."""
    (tmp_path / "frozen").mkdir()
    with RedisServer(tmp_path / "frozen") as frozen:
        project = projects([own_redis.url, frozen.url])
        here = next(f"kept:{n}" for n in range(99) if shard_for(f"kept:{n}", 2) == 0)
        there = next(f"kept:{n}" for n in range(99) if shard_for(f"kept:{n}", 2) == 1)
        project.run(LEAVE.format(using="default", channel=there, count=5000))
        frozen.signal(signal.SIGSTOP)
        project.work()
        client = redis.Redis.from_url(own_redis.url)
        seconds = []
        for count in (10, 20, 30):
            project.run(LEAVE.format(using="default", channel=here, count=10))
            started = time.monotonic()
            wait_until(lambda count=count: length(client, here) == count, what="the rows of the live shard")
            seconds.append(time.monotonic() - started)
        frozen.signal(signal.SIGCONT)
        back = redis.Redis.from_url(frozen.url)
        wait_until(lambda: back.hget(scripts.meta_key(there), "o") == b"5000", what="the rows of the other")

    assert max(seconds[1:]) < 3


def test_backlog_is_sent_and_in_order(own_redis: RedisServer, projects: Any) -> None:
    """20,000 rows after an outage; a row more by a request that does not wait for them."""
    project = projects([own_redis.url])
    project.run(LEAVE.format(using="default", channel="kept:a", count=20_000))
    took = project.run("""
        import time, tandem
        tandem.position("kept:b")
        tandem.publish_on_commit("kept:b", 0)
        started = time.perf_counter()
        tandem.publish_on_commit("kept:a", 20000)
        print(time.perf_counter() - started)
    """)
    client = redis.Redis.from_url(own_redis.url)
    before = length(client, "kept:a")
    project.work()
    wait_until(lambda: client.hget(scripts.meta_key("kept:a"), "o") == b"20001", seconds=30, what="all of it")
    entries: Any = client.xrange(scripts.stream_key("kept:a"))
    bodies = [fields[b"b"] for _, fields in entries]
    numbers = [int(scripts_data(body)) for body in bodies]

    assert (float(took) < 0.2, before) == (True, 0)
    assert numbers == list(range(20_001 - len(numbers), 20_001))


def scripts_data(body: bytes) -> bytes:
    """Return the JSON text in a packed publication."""
    import msgspec

    data: bytes = msgspec.msgpack.decode(body)["json"]
    return data


def test_liveness_is_the_worker_s_and_not_redis_s(own_redis: RedisServer, projects: Any) -> None:
    """200 while it gets round, also without Redis; a worker that stands still does not answer."""
    project = projects([f"redis://127.0.0.1:{free_port()}/0"])
    port = free_port()
    worker = project.work("--probe-port", str(port))
    wait_until(lambda: _status(port, "/healthz") == 200, what="the worker")
    project.run(LEAVE.format(using="default", channel="kept:a", count=1))
    time.sleep(2)
    without_redis = _status(port, "/healthz")
    elsewhere = _status(port, "/")
    worker.terminate()

    assert (without_redis, elsewhere) == (200, 404)
    assert worker.wait(10) == 0


def _status(port: int, path: str) -> int | None:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}").status_code
    except httpx.HTTPError:
        return None


def test_emptied_redis_is_told_again_what_was_revoked(own_redis: RedisServer, projects: Any) -> None:
    """SQL has it; the worker looks, and within 5 s so has Redis."""
    project = projects([own_redis.url])
    project.run("from tandem.auth.revoking import revoke; revoke('42')")
    client = redis.Redis.from_url(own_redis.url)
    project.work()
    wait_until(lambda: len(client.keys("tandem:revoked*")) == 3, what="the worker's first look")
    time.sleep(1)
    client.flushall()
    started = time.monotonic()
    wait_until(lambda: len(client.keys("tandem:revoked*")) == 3, what="the revocations")

    assert time.monotonic() - started < 5


def test_poke_is_heard_between_two_looks(own_redis: RedisServer, projects: Any) -> None:
    """The worker looks once in 20 s, and a request leaves it more than twenty rows of others."""
    project = projects([own_redis.url])
    project.run(LEAVE.format(using="default", channel="kept:a", count=30))
    time.sleep(1.1)
    client = redis.Redis.from_url(own_redis.url)
    project.work("--interval", "20")
    wait_until(lambda: length(client, "kept:a") == 30, what="the first look")
    wait_until(lambda: b"tandem" in client.pubsub_channels(), what="the worker's ear")
    project.run(LEAVE.format(using="default", channel="kept:a", count=30))
    time.sleep(1.1)
    started = time.monotonic()
    project.run("import tandem; tandem.publish_on_commit('kept:a', 1)")
    wait_until(lambda: length(client, "kept:a") == 61, what="the rows")

    assert time.monotonic() - started < 10
