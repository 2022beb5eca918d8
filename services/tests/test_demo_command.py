"""The demo where something is in its way: one sentence that says what, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from demo.settings import ROOT
from rig.demo_run import DemoRun, free_port_range, want_all
from rig.servers import wait_until
from rig.stack import COUNTER, press
from rig.wire import open_wire


def assert_refused(demo: DemoRun, *words: str) -> None:
    """It ended with status 1 and one line that has *words*."""
    status = demo.start().process.wait(60)
    said = demo.said
    assert status == 1, said
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert not demo.programs()


@pytest.mark.parametrize("program", [0, 3], ids=["edge", "realtime"])
def test_taken_port_is_named(tmp_path: Path, program: int) -> None:
    """Somebody else listens on one of the ports: which one, who, and what moves it."""
    port = free_port_range()
    with socket.create_server(("127.0.0.1", port + program)):
        assert_refused(
            DemoRun(tmp_path / "demo", port=port), f"Port {port + program}", f"pid {os.getpid()}", "DEMO_PORT="
        )


def test_bad_port_is_named(tmp_path: Path) -> None:
    """DEMO_PORT that is no port."""
    assert_refused(DemoRun(tmp_path / "demo", DEMO_PORT="http"), "DEMO_PORT must be a number", "'http'")


def test_second_run_says_where_the_first_one_is(tmp_path: Path) -> None:
    """Running it twice is safe."""
    with DemoRun(tmp_path / "demo") as first:
        second = DemoRun(tmp_path / "demo", port=first.port)
        status = second.start().process.wait(30)
        answer = httpx.get(f"{first.url}/api/counters/demo/")

    assert (status, answer.status_code) == (0, 200)
    assert f"Already running at {first.url}/counter/" in second.said or "Already" in first.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_after_the_end(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, kill, a closed terminal, even kill -9: every program ends."""
    want_all()
    demo = DemoRun(tmp_path / "demo").start()
    demo.wait_until_running()
    started = demo.programs()
    status = demo.end(number)
    wait_until(lambda: not demo.programs(), seconds=30, what="end of every program")

    assert len(started) >= 6
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0)


def test_closed_terminal_ends_it(tmp_path: Path) -> None:
    """Where make leads the session, only make hears of the hang-up: the demo looks for itself."""
    ours, theirs = os.openpty()
    demo = DemoRun(tmp_path / "demo")
    command = [shutil.which("setsid") or "setsid", "--ctty", "make", "--silent", "demo", f"PYTHON={sys.executable}"]
    make = subprocess.Popen(command, env=demo.environ, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while b"is running" not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    make.wait(40)

    assert not demo.programs()


def test_ctrl_c_during_the_start_leaves_nothing(tmp_path: Path) -> None:
    """Who changes their mind early is heard, too."""
    demo = DemoRun(tmp_path / "demo").start()
    wait_until(lambda: bool(demo.programs()), what="first program")
    status = demo.end()
    wait_until(lambda: not demo.programs(), seconds=30, what="end of every program")

    assert status == 0
    assert "Traceback" not in demo.said


async def test_state_outlives_a_run(tmp_path: Path) -> None:
    """The counter is where it was, and who was away for the restart of everything gets what was missed."""
    with DemoRun(tmp_path / "demo") as demo:
        async with httpx.AsyncClient(base_url=demo.url) as http:
            before = await http.get("/api/counters/demo/")
            await press(http)
    with DemoRun(tmp_path / "demo") as demo:
        epoch, _, offset = before.headers["X-Tandem-Position"].rpartition(":")
        async with open_wire(f"ws://localhost:{demo.port}/ws/") as wire:
            result = await wire.subscribe(COUNTER, recover=True, epoch=epoch, offset=int(offset))

    assert result["recovered"] is True
    assert [each["data"]["value"] for each in result["publications"]] == [before.json()["value"] + 1]


def test_one_process_answers_everything_without_an_edge(tmp_path: Path) -> None:
    """No nginx: pages, API, static files and sockets come from Daphne alone."""
    from websockets.sync.client import connect

    with DemoRun(tmp_path / "demo", DEMO_EDGE="0") as demo:
        statuses = [httpx.get(f"{demo.url}{path}").status_code for path in ("/counter/", "/api/counters/demo/", "/wsx")]
        with connect(f"ws://localhost:{demo.port}/ws/uni/?channel=public:counter.demo", proxy=None) as socket:
            time.sleep(0.5)
            httpx.post(f"{demo.url}/api/counters/demo/increment/").raise_for_status()
            frames = [socket.recv(timeout=10)]
            while '"value"' not in str(frames[-1]):
                frames.append(socket.recv(timeout=10))
        names = " ".join(" ".join(process.cmdline()) for process in demo.programs())

    assert statuses == [200, 200, 404]
    assert "gunicorn" not in names
    assert "nginx" not in names


# -- Before there is an environment ---------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing installed, and a PATH folder beside it without apt."""
    (tmp_path / "repo/.ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/environment", tmp_path / "repo/.ci")
    (tmp_path / "repo/pins.txt").write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")
    (tmp_path / "bin").mkdir()
    for name in ("bash", "cat", "cmp", "cp", "dirname", "flock", "grep", "id", "tail", "tr"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return tmp_path / "repo"


def install(checkout: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    path = str(checkout.parent / "bin")
    clean = {"PATH": path, "HOME": str(checkout), "PIP_CONFIG_FILE": os.devnull, **environ}
    command = [".ci/environment", "pins.txt"]
    return subprocess.run(command, env=clean, cwd=checkout, capture_output=True, text=True, check=False)


def fake_python(checkout: Path, script: str) -> None:
    program = checkout.parent / "bin/python3"
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)


def test_old_python_is_refused(checkout: Path) -> None:
    """3.9: what is needed, what was found, how to name another."""
    fake_python(checkout, '[ "$1" = --version ] && echo Python 3.9.2 && exit 0; exit 1')
    run = install(checkout)

    assert run.returncode == 1
    assert "Python 3.11 or newer is needed, found: Python 3.9.2." in run.stderr
    assert "PYTHON=" in run.stderr


def test_no_python_is_refused(checkout: Path) -> None:
    """The PYTHON that was named is not there."""
    run = install(checkout, PYTHON="/nowhere/python3")

    assert run.returncode == 1
    assert "Python 3.11 or newer is needed, found: none." in run.stderr


def test_missing_venv_module_is_told(checkout: Path) -> None:
    """Debian's python3 without python3-venv, and nobody who could install it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    fake_python(checkout, f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    run = install(checkout)

    assert run.returncode == 1
    assert run.stderr == (
        f"Python's venv module is missing: install it (as root: apt-get install {version}-venv) and run this again.\n"
    )


def test_no_network_is_told(checkout: Path) -> None:
    """The package index does not answer."""
    fake_python(checkout, f'exec {sys.executable} "$@"')
    run = install(checkout, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0")

    assert run.returncode == 1
    assert "The package index cannot be reached: is there a network?" in run.stderr
    assert "Traceback" not in run.stderr
