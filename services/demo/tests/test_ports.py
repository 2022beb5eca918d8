"""Which ports are taken, and by whom."""

from __future__ import annotations

import os
import socket

import pytest

from demo.ports import check_free, find_owner
from demo.problem import Problem


def test_taken_port_is_named_with_its_owner() -> None:
    """The sentence has the port, its use, the process, and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Problem) as problem:
            check_free({"edge": port}, host="127.0.0.1")
        owner = find_owner(port)

    assert str(os.getpid()) in owner
    assert str(problem.value) == (
        f"Port {port}, for the edge, is taken by {owner}. DEMO_PORT=9100 make demo moves all of them."
    )


def test_free_ports_pass() -> None:
    """Nothing is said about a port that can be had."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    check_free({"edge": port}, host="127.0.0.1")


def test_nobody_owns_a_free_port() -> None:
    """A port on which nobody listens has no owner."""
    assert find_owner(1) == ""
