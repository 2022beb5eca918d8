"""The private port over a real socket."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from rig.servers import SERVICES, free_port, is_listening, wait_until
from tandem_realtime.observing.health import readiness


class PrivatePort:
    """A process that serves the private port and does as it is told on standard input."""

    def __init__(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.private_port", str(port)],
            cwd=SERVICES / "realtime",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: is_listening(port))

    def tell(self, answer: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(answer + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


@pytest.fixture(scope="module")
def private() -> Iterator[PrivatePort]:
    private = PrivatePort()
    yield private
    private.process.kill()
    private.process.communicate(timeout=10)


def test_readiness_names_every_check() -> None:
    """One check that is not content makes the process unready; the others' answers stay visible."""
    checks = {"redis": lambda: None, "drain": lambda: "draining"}

    assert readiness(checks) == (False, {"redis": "ok", "drain": "draining"})
    assert readiness({}) == (True, {})


def test_metrics_are_served(private: PrivatePort) -> None:
    """/metrics answers in Prometheus' text format."""
    answer = httpx.get(private.url + "/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "\ntandem_draining 0.0\n" in answer.text


def test_ready_follows_the_checks(private: PrivatePort) -> None:
    """/readyz goes to 503 with the reason, and back; /healthz does not care."""
    before = httpx.get(private.url + "/readyz")
    private.tell("redis does not answer")
    during = httpx.get(private.url + "/readyz")
    alive = httpx.get(private.url + "/healthz")
    private.tell("")
    after = httpx.get(private.url + "/readyz")

    assert (before.status_code, before.json()) == (200, {"ready": True, "checks": {"told": "ok"}})
    assert (during.status_code, during.json()) == (503, {"ready": False, "checks": {"told": "redis does not answer"}})
    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert after.status_code == 200


@pytest.mark.parametrize("path", ["/", "/metrics2", "/admin/", "/healthz/x/../../metrics2"])
def test_nothing_else_is_there(private: PrivatePort, path: str) -> None:
    """Any other path is 404."""
    assert httpx.get(private.url + path).status_code == 404


def test_only_reading_is_allowed(private: PrivatePort) -> None:
    """HEAD works for probes that use it; POST is refused."""
    assert httpx.head(private.url + "/readyz").status_code == 200
    assert httpx.post(private.url + "/metrics").status_code == 405
