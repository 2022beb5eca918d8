"""``manage.py runworker tandem`` as a process of somebody's project, which has no ASGI application of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from rig.servers import RedisServer, free_port, wait_until
from tests.test_outbox_worker import LEAVE, Project, _sqlite, _status, length


@pytest.fixture
def project(tmp_path: Path, own_redis: RedisServer) -> Iterator[Project]:
    """A project with a Redis of its own, whose workers end with the test."""
    made = Project(tmp_path, [own_redis.url], databases={"default": _sqlite(tmp_path)}, routers=[])
    yield made
    for worker in made.workers:
        worker.kill()
        worker.wait()


def start(project: Project, *options: str) -> subprocess.Popen[bytes]:
    """Start a worker."""
    command = [sys.executable, "-m", "django", "runworker", "tandem", *options]
    with project.log.open("ab") as log:
        project.workers.append(subprocess.Popen(command, env=project.environ, stdout=log, stderr=log))
    return project.workers[-1]


def test_worker_hears_the_channel_and_sweeps_by_itself(own_redis: RedisServer, project: Project) -> None:
    """What was left over goes at its first look, what is left now when it is told; it ends when it is told to."""
    project.run(LEAVE.format(using="default", channel="kept:a", count=30))
    time.sleep(1.1)
    client = redis.Redis.from_url(own_redis.url)
    worker = start(project, "--interval", "20")
    wait_until(lambda: length(client, "kept:a") == 30, what="the first look")
    wait_until(lambda: b"tandem" in client.pubsub_channels(), what="the worker's ear")
    project.run(LEAVE.format(using="default", channel="kept:a", count=30))
    time.sleep(1.1)
    started = time.monotonic()
    project.run("import tandem; tandem.publish_on_commit('kept:a', 1)")
    wait_until(lambda: length(client, "kept:a") == 61, what="the rows")
    took = time.monotonic() - started
    worker.terminate()

    assert took < 10
    assert worker.wait(10) == 0


def test_worker_outlives_its_redis(own_redis: RedisServer, project: Project) -> None:
    """It starts without one, hears when there is one, and again after that was away."""
    port = free_port()
    own_redis.stop()
    worker = start(project, "--interval", "20", "--probe-port", str(port))
    wait_until(lambda: _status(port, "/healthz") == 200, what="the worker")
    for _ in range(2):
        own_redis.start()
        client = redis.Redis.from_url(own_redis.url)
        wait_until(lambda client=client: b"tandem" in client.pubsub_channels(), seconds=15, what="the worker's ear")
        own_redis.stop()

    assert worker.poll() is None


@pytest.mark.parametrize(
    ("channels", "environ", "said"),
    [
        (["tandem", "thumbnails"], {}, "has a worker to itself"),
        (["tandem"], {"TANDEM_REDIS_URLS": "memory://"}, "a worker shares Redis with the rest"),
        (["tandem"], {"TANDEM_REDIS_URLS": ""}, "Redis is nowhere"),
    ],
)
def test_what_cannot_work_is_refused(project: Project, channels: list[str], environ: dict[str, str], said: str) -> None:
    """With a sentence, at the start."""
    command = [sys.executable, "-m", "django", "runworker", *channels]
    run: Any = subprocess.run(
        command, env={**project.environ, **environ}, capture_output=True, text=True, timeout=60, check=False
    )

    assert (run.returncode, said in run.stderr) == (1, True), run.stderr


@pytest.mark.parametrize("apps", [["channels", "tandem"], ["tandem", "channels"]])
def test_command_is_ours_in_any_order_of_the_apps(apps: list[str]) -> None:
    """Of two apps that have it, Django takes the first one's; a project need not know that."""
    code = f"""
        from django.conf import settings
        settings.configure(INSTALLED_APPS={apps})
        import django
        django.setup()
        from django.core.management import get_commands, load_command_class
        print(load_command_class(get_commands()["runworker"], "runworker").__module__)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    run: Any = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert run.stdout == "tandem.management.commands.runworker\n", run.stderr
