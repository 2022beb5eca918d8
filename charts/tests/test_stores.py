"""Redis and PostgreSQL as the chart configures them, on real servers."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from tools.helm import CHART, render
from tools.looking import env, one

from rig.servers import Server, find_program, free_port

PASSWORD = "it's a password"


def redis_conf(values: dict[str, Any]) -> dict[str, str]:
    """Return the settings of the rendered redis.conf."""
    text = one(render({"redis": values}), "ConfigMap", "tandem-redis")["data"]["redis.conf"]
    return dict(line.split(" ", 1) for line in text.splitlines() if line)


def test_nothing_or_everything_is_kept() -> None:
    """Either no persistence at all, or an fsync at every write; never a snapshot; never an eviction."""
    memory, disk = redis_conf({}), redis_conf({"persistence": {"enabled": True}})

    assert (memory["appendonly"], memory["save"]) == ("no", '""')
    assert (disk["appendonly"], disk["appendfsync"], disk["save"]) == ("yes", "always", '""')
    assert memory["maxmemory-policy"] == disk["maxmemory-policy"] == "noeviction"


@pytest.mark.parametrize(("limit", "size"), [("256Mi", 256 << 20), ("2Gi", 2 << 30), ("524288Ki", 512 << 20)])
def test_maxmemory_is_below_the_limit(limit: str, size: int) -> None:
    """Redis refuses a write before the kernel kills it; with persistence there is room for the copy of a rewrite."""
    resources = {"limits": {"memory": limit}}

    assert int(redis_conf({"resources": resources})["maxmemory"]) == size * 70 // 100
    assert int(redis_conf({"resources": resources, "persistence": {"enabled": True}})["maxmemory"]) == size * 50 // 100


def test_shards_by_ordinal() -> None:
    """Three shards are three pods of the StatefulSet, and both services get the same list in the same order."""
    rendered = render({"redis": {"shards": 3}})
    urls = ",".join(f"redis://tandem:$(REDIS_PASSWORD)@tandem-redis-{i}.tandem-redis:6379/0" for i in range(3))

    assert one(rendered, "StatefulSet", "tandem-redis")["spec"]["replicas"] == 3
    for service in ("api", "realtime", "outbox"):
        container = one(rendered, "Deployment", f"tandem-{service}")["spec"]["template"]["spec"]["containers"][0]
        names = [item["name"] for item in container["env"]]
        assert env(container)["TANDEM_REDIS_URLS"] == urls
        assert names.index("REDIS_PASSWORD") < names.index("TANDEM_REDIS_URLS")


@pytest.fixture
def rendered_redis(tmp_path: Path) -> Iterator[Server]:
    """redis-server, started by the command of the rendered container; only port and folders are this machine's."""
    rendered = render()
    container = one(rendered, "StatefulSet", "tandem-redis")["spec"]["template"]["spec"]["containers"][0]
    port = free_port()
    config = one(rendered, "ConfigMap", "tandem-redis")["data"]["redis.conf"]
    config = config.replace("dir /data", f"dir {tmp_path}").replace("port 6379", f"port {port}")
    (tmp_path / "redis.conf").write_text(config)
    command = [part.replace("/etc/redis", str(tmp_path)) for part in container["command"]]
    with Server(command, port, env={"REDISCLI_AUTH": "secret"}) as server:
        yield server


def test_redis_takes_its_password_from_standard_input(rendered_redis: Server) -> None:
    """The command starts a Redis with that password, and the password is not among its arguments."""
    assert rendered_redis.process is not None
    arguments = Path(f"/proc/{rendered_redis.process.pid}/cmdline").read_text()

    assert redis.Redis(port=rendered_redis.port, password="secret").ping() is True
    assert redis.Redis(port=rendered_redis.port, username="tandem", password="secret").ping() is True
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=rendered_redis.port).ping()
    assert arguments.startswith("redis-server")
    assert "secret" not in arguments


def test_user_of_the_chart_is_the_one_of_the_reference(rendered_redis: Server) -> None:
    """It may do what Tandem does, and neither read other keys nor do anything to the server."""
    reference = (CHART.parent.parent / "services/tandem/docs/reference.md").read_text()
    [rules] = re.findall(r"^ACL SETUSER tandem on >secret (.+)$", reference, re.MULTILINE)
    client = redis.Redis(port=rendered_redis.port, username="tandem", password="secret")
    for command in (("SET", "other", "1"), ("FLUSHALL",), ("CONFIG", "SET", "maxmemory", "1"), ("PUBLISH", "x", "y")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)

    assert (
        rules
        in one(render(), "StatefulSet", "tandem-redis")["spec"]["template"]["spec"]["containers"][0]["command"][-1]
    )


def test_pods_of_the_last_release_may_name_a_key_without_a_name(rendered_redis: Server) -> None:
    """They are the default user, and a script of theirs that needs no key names an empty one."""
    script = ("EVAL", "return redis.call('SET', KEYS[1], 'x')", 2, "tandem:stream", "")

    assert redis.Redis(port=rendered_redis.port, password="secret").execute_command(*script) == b"OK"
    with pytest.raises(redis.exceptions.NoPermissionError):
        redis.Redis(port=rendered_redis.port, username="tandem", password="secret").execute_command(*script)


def test_prefix_is_in_the_rights_and_in_the_environment() -> None:
    """Of the chart's own Redis, and of every process."""
    rendered = render({"redis": {"prefix": "shop"}})
    command = one(rendered, "StatefulSet", "tandem-redis")["spec"]["template"]["spec"]["containers"][0]["command"][-1]

    assert "~shop* resetchannels &shop* +@all" in command
    for service in ("api", "realtime", "outbox"):
        container = one(rendered, "Deployment", f"tandem-{service}")["spec"]["template"]["spec"]["containers"][0]
        assert env(container)["TANDEM_REDIS_PREFIX"] == "shop"


EXTERNAL = {
    "one address": "redis://:$(REDIS_PASSWORD)@r:6379/0",
    "TLS and our certificate": "rediss://u:$(REDIS_PASSWORD)@r:6380/0?ssl_ca_certs=/etc/tandem/redis-ca/ca.crt"
    "&ssl_certfile=/etc/tandem/redis-client/tls.crt&ssl_keyfile=/etc/tandem/redis-client/tls.key",
    "a cluster": "redis+cluster://:$(REDIS_PASSWORD)@a:6379,b:6379",
    "Sentinels": "redis+sentinel://:$(REDIS_PASSWORD)@a:26379,b:26379/mymaster/0",
}


@pytest.mark.parametrize("url", EXTERNAL.values(), ids=list(EXTERNAL))
def test_external_redis_of_every_kind(url: str) -> None:
    """By values alone: every process gets the address, password, CA and certificate."""
    external = {"urls": [url], "passwordSecret": "pw", "caSecret": "ca", "clientSecret": "client"}
    rendered = render({"redis": {"enabled": False, "external": external}})

    for service in ("api", "realtime", "outbox"):
        spec = one(rendered, "Deployment", f"tandem-{service}")["spec"]["template"]["spec"]
        mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
        assert env(spec["containers"][0])["TANDEM_REDIS_URLS"] == url
        assert mounts["redis-ca"] == "/etc/tandem/redis-ca"
        assert mounts["redis-client"] == "/etc/tandem/redis-client"
        assert {volume["name"] for volume in spec["volumes"]} >= {"redis-ca", "redis-client"}


def test_our_certificate_for_an_external_database() -> None:
    """libpq finds it by its own variables, and the key is for our user's group alone: libpq refuses any other."""
    rendered = render(
        {"postgresql": {"enabled": False, "external": {"existingSecret": "sql", "clientSecret": "client"}}}
    )

    for service in ("api", "outbox"):
        spec = one(rendered, "Deployment", f"tandem-{service}")["spec"]["template"]["spec"]
        [volume] = [volume for volume in spec["volumes"] if volume["name"] == "postgresql-client"]
        assert volume["secret"] == {"secretName": "client", "defaultMode": 0o440}
        assert env(spec["containers"][0])["PGSSLKEY"] == "/etc/tandem/postgresql-client/tls.key"
        assert env(spec["containers"][0])["PGSSLCERT"] == "/etc/tandem/postgresql-client/tls.crt"


@pytest.fixture
def postgres_env(tmp_path: Path) -> dict[str, str]:
    """A volume with a database that an earlier release made, and what the new one's container knows."""
    binaries = [Path(find_program("postgres")).parent]
    data = tmp_path / "pgdata"
    if os.geteuid() == 0:
        tmp_path.parent.chmod(0o755)
        tmp_path.parent.parent.chmod(0o755)
        subprocess.run(["chown", "postgres", tmp_path], check=True)
    environ = {
        **os.environ,
        "PATH": f"{binaries[-1]}:{os.environ['PATH']}",
        "PGDATA": str(data),
        "POSTGRES_PASSWORD": PASSWORD,
    }
    (tmp_path / "old").write_text("the old password")
    as_postgres(environ, "initdb", "--auth=scram-sha-256", "--username=tandem", f"--pwfile={tmp_path}/old", "--no-sync")
    return environ


def as_postgres(environ: dict[str, str], *command: str) -> None:
    """Run a command as the user that PostgreSQL wants: anybody but root."""
    become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    prefix = become if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], env=environ, check=True, capture_output=True, cwd="/tmp")


def test_an_old_volume_takes_the_new_password(postgres_env: dict[str, str], tmp_path: Path) -> None:
    """After `helm uninstall` and a new install the volume is the old one, the Secret is new: they are made to agree."""
    data = Path(postgres_env["PGDATA"])
    data.chmod(0o770)  # what the kubelet does to it
    as_postgres(postgres_env, "sh", "-c", (CHART / "files/align-password.sh").read_text())
    port = free_port()
    as_postgres(postgres_env, "pg_ctl", "start", "-w", "-l", f"{tmp_path}/log", "-o", f"-p {port} -k '' -h 127.0.0.1")
    try:
        for password, status in ((PASSWORD, 0), ("the old password", 2)):
            done = subprocess.run(
                ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "tandem", "-d", "postgres", "-c", "SELECT 1"],
                env={**postgres_env, "PGPASSWORD": password},
                capture_output=True,
            )
            assert done.returncode == status, done.stderr
    finally:
        as_postgres(postgres_env, "pg_ctl", "stop", "-m", "immediate")


def test_a_fresh_volume_is_left_alone(tmp_path: Path) -> None:
    """Before the first start there is nothing to align, whatever is in the folder."""
    (tmp_path / "lost+found").mkdir()
    script = (CHART / "files/align-password.sh").read_text()
    environ = {"PATH": "/usr/bin:/bin", "PGDATA": str(tmp_path / "pgdata"), "POSTGRES_PASSWORD": "x"}

    assert subprocess.run(["sh", "-c", script], env=environ, capture_output=True).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["lost+found"]


def test_postgresql_volume_is_below_the_mount() -> None:
    """A volume of its own file system has lost+found at its root; initdb wants an empty folder."""
    container = one(render(), "StatefulSet", "tandem-postgresql")["spec"]["template"]["spec"]["containers"][0]
    mount = next(item["mountPath"] for item in container["volumeMounts"] if item["name"] == "data")

    assert env(container)["PGDATA"].startswith(mount + "/")
