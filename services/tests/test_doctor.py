"""``manage.py tandem doctor`` against servers that are right and servers that are wrong, each in one way."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.overrides import override_tandem
from rig.pair import TOKEN_KEY, Realtime
from rig.project import Project
from rig.servers import RedisServer, Server, free_port
from tandem.doctor import redis as doctor_redis
from tandem.doctor.findings import Finding, judge_connect, judge_handshake, judge_version
from tandem.doctor.redis import try_redis
from tandem.doctor.sockets import try_sockets


@pytest.fixture(scope="module")
def realtime(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realtime]:
    """A process over the shared Redis, with the tests' key."""
    with Realtime(redis_server.url, tmp_path_factory.mktemp("doctor"), {}) as process:
        yield process


def wrong(findings: Iterator[Finding]) -> list[Finding]:
    """Return what is not right, each of which has a cure."""
    found = [each for each in findings if each.level != "ok"]
    assert all(each.cure for each in found)
    return found


def ask(realtime: Realtime, redis_url: str, key: str = TOKEN_KEY) -> list[Finding]:
    """Ask from a project with that Redis and that key."""
    with override_tandem(redis_urls=[redis_url], token_keys=[key]):
        return list(try_sockets(realtime.url))


def test_redis_as_it_should_be(redis_server: RedisServer) -> None:
    """Version, policy, persistence and clock."""
    assert [each.level for each in try_redis(redis_server.url)] == ["ok"] * 5


@pytest.mark.parametrize(
    ("options", "level", "text"),
    [
        (["--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"], "wrong", "allkeys-lru"),
        (["--maxmemory-policy", "allkeys-lru"], "note", "allkeys-lru"),
        (["--appendonly", "yes", "--appendfsync", "everysec"], "note", "keeps a part"),
        (["--save", "60 1"], "note", "keeps a part"),
        (["--rename-command", "CONFIG", ""], "note", "does not tell"),
    ],
)
def test_redis_that_is_set_up_wrongly(tmp_path: Path, options: list[str], level: str, text: str) -> None:
    """Each is named."""
    with RedisServer(tmp_path, *options) as server:
        found = wrong(try_redis(server.url))

    assert {each.level for each in found} == {level}
    assert text in found[0].text


def test_redis_that_keeps_every_write_is_right(tmp_path: Path) -> None:
    """It pays for it at each write."""
    with RedisServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always", "--save", "") as server:
        assert wrong(try_redis(server.url)) == []


def test_redis_that_wants_a_password(tmp_path: Path) -> None:
    """The address has none."""
    with RedisServer(tmp_path, "--requirepass", "x") as server:
        [found] = wrong(try_redis(server.url))

    assert found.level == "wrong"
    assert "password" in found.cure


def test_redis_that_is_not_there() -> None:
    """Nobody listens."""
    [found] = wrong(try_redis(f"redis://127.0.0.1:{free_port()}/0"))

    assert (found.level, "TANDEM_REDIS_URLS" in found.cure) == ("wrong", True)


@pytest.mark.parametrize(("seconds", "level"), [(3600, "wrong"), (-3600, "wrong"), (5, "note")])
def test_clock_that_is_off(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, seconds: int, level: str
) -> None:
    """Ours, as seen from Redis's."""

    class Off:
        time = staticmethod(lambda: time.time() + seconds)

    monkeypatch.setattr(doctor_redis, "time", Off)
    [found] = wrong(try_redis(redis_server.url))

    assert (found.level, "ahead of" in found.text) == (level, seconds > 0)


def test_sockets_as_they_should_be(realtime: Realtime, redis_url: str) -> None:
    """Routed, the same keys, a publication there and back."""
    assert [each.level for each in ask(realtime, redis_url)] == ["ok"] * 3


def test_keys_that_differ(realtime: Realtime, redis_url: str) -> None:
    """Realtime says no more than that the token is invalid."""
    [*_, found] = ask(realtime, redis_url, key="another-key-" + "0" * 40)

    assert (found.level, "TANDEM_TOKEN_KEYS" in found.cure) == ("wrong", True)


def test_another_redis_on_this_side(realtime: Realtime, redis_url: str, tmp_path: Path) -> None:
    """Everything connects, and nothing arrives."""
    with RedisServer(tmp_path) as other:
        [*_, found] = ask(realtime, other.url)

    assert (found.level, "another Redis" in found.text) == ("wrong", True)


def test_sockets_routed_elsewhere(tmp_path: Path) -> None:
    """The address leads to something that has no ``/ws/``, or to nothing."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with override_tandem(token_keys=[TOKEN_KEY]):
        with Server(command, port, cwd=tmp_path):
            [elsewhere, *_] = wrong(try_sockets(f"http://127.0.0.1:{port}"))
        [nothing] = wrong(try_sockets(f"http://127.0.0.1:{free_port()}"))

    assert "404" in elsewhere.text
    assert "does not answer" in nothing.text


@pytest.mark.parametrize("status", [400, 403, 404, 426, 502, 503, 200])
def test_every_answer_has_a_cure(status: int) -> None:
    """Of whatever stands at the address."""
    assert judge_handshake(status).cure


def test_old_redis_and_odd_answers_are_named() -> None:
    """What no server here does."""
    assert judge_version("6.0.16").level == "wrong"
    assert judge_version("8.0.1").level == "ok"
    assert judge_connect({"push": {"disconnect": {"code": 3501}}}).level == "wrong"


def test_command_prints_and_exits(tmp_path: Path, realtime: Realtime, redis_url: str) -> None:
    """0 when all is well, 1 when something is wrong, with what to do."""
    project = Project(tmp_path)
    right = {"TANDEM_REDIS_URLS": redis_url, "TANDEM_TOKEN_KEYS": TOKEN_KEY}
    well = project.manage("tandem", "doctor", "--url", realtime.url, **right)
    ill = project.manage("tandem", "doctor", "--url", realtime.url, **{**right, "TANDEM_TOKEN_KEYS": "k" * 40})

    assert (well.returncode, well.stderr) == (0, "")
    assert well.stdout.splitlines()[-1] == (
        "ok    a publication went from here to Redis, to realtime, and back through the edge"
    )
    assert ill.returncode == 1
    assert "WRONG realtime refuses a token that was made here: the keys differ\n      Give both" in ill.stdout
    assert ill.stderr.strip().endswith("CommandError: 1 thing is wrong.")
