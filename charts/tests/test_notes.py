"""NOTES: lines that work as printed, and warnings where data is at stake."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tools.helm import render, render_files
from tools.looking import one


def notes(values: dict[str, Any]) -> str:
    """Return what `helm install` prints."""
    return render_files(values)["templates/NOTES.txt"]


@pytest.mark.parametrize("values", [{}, {"realtime": {"enabled": False}}, {"mode": "asgi", "edge": {"enabled": False}}])
def test_port_forward(values: dict[str, Any]) -> None:
    """The line names the namespace, and a Service with the port that it forwards."""
    (line,) = re.findall(
        r"^  kubectl --namespace demo port-forward service/(\S+) 9000:(\d+)$", notes(values), re.MULTILINE
    )
    service = one(render(values), "Service", line[0])

    assert int(line[1]) in {port["port"] for port in service["spec"]["ports"]}
    assert "http://localhost:9000/counter/" in notes(values)


def test_no_port_forward_without_an_edge() -> None:
    """Two services behind one address need an edge: the notes do not pretend."""
    text = notes({"edge": {"enabled": False}})

    assert "port-forward service" not in text
    assert "edge.enabled=true" in text


def test_warns_of_data_that_goes_with_a_pod() -> None:
    """A demo database without a volume is warned of; one with a volume, or somebody else's, is not."""
    external = {"postgresql": {"enabled": False, "external": {"existingSecret": "x"}}}
    sqlite = {"postgresql": {"enabled": False}, "sqlite": {"enabled": True}, "api": {"replicas": 1}}

    assert "WARNING: PostgreSQL keeps its data in its pod" in notes({})
    assert "WARNING: SQLite's file is in the pod" in notes(sqlite)
    assert "WARNING" not in notes({"postgresql": {"persistence": {"enabled": True}}})
    assert "WARNING" not in notes(external)
