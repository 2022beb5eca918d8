"""What follows from the demo's few variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.problem import Problem
from demo.settings import Settings


def read(tmp_path: Path, **environ: str) -> Settings:
    return Settings.from_environ({"DEMO_DIR": str(tmp_path), **environ})


def test_one_variable_moves_every_port(tmp_path: Path) -> None:
    """All ports follow from DEMO_PORT."""
    assert list(read(tmp_path, DEMO_PORT="9100").ports.values()) == [9100, 9101, 9102, 9103, 9104, 9105]


@pytest.mark.parametrize("text", ["0", "-1", "65535", "http", "9000.5"])
def test_port_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """The sentence names the variable and what came."""
    with pytest.raises(Problem, match=f"DEMO_PORT must be a number from 1 to 65529, not '{text}'"):
        read(tmp_path, DEMO_PORT=text)


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """The second run has the keys of the first, and nobody else can read them."""
    first = read(tmp_path).secrets

    assert read(tmp_path).secrets == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_socket_path_is_never_too_long(tmp_path: Path) -> None:
    """A deep folder moves supervisord's socket, which would not bind there."""
    deep = tmp_path / ("x" * 120)

    assert read(tmp_path, DEMO_DIR=str(deep)).control_socket.parent != deep
    assert len(str(read(tmp_path, DEMO_DIR=str(deep)).control_socket)) <= 100


def test_only_a_public_demo_answers_any_host(tmp_path: Path) -> None:
    """On loopback, other Host headers are refused; DEMO_HOST=0.0.0.0 opens it."""
    at_home = read(tmp_path).programs_environ(has_edge=True)
    in_public = read(tmp_path, DEMO_HOST="0.0.0.0").programs_environ(has_edge=True)

    assert at_home["DJANGO_ALLOWED_HOSTS"] == "localhost,127.0.0.1,[::1]"
    assert in_public["DJANGO_ALLOWED_HOSTS"] == "*"


def test_without_an_edge_realtime_answers_at_its_port(tmp_path: Path) -> None:
    """One process: Daphne has the edge's port and Django behind it."""
    environ = read(tmp_path, DEMO_PORT="9100").programs_environ(has_edge=False)

    assert (environ["TANDEM_BIND_PORT"], environ["TANDEM_HTTP_APP"]) == ("9100", "api.asgi:application")
