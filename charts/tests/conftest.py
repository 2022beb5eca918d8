"""The chart's tools, and the chart rendered in every way that matters."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.servers import RedisServer, find_program

CHARTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHARTS))  # for `tools`

from tools.helm import render, value_sets  # noqa: E402  # only found after the line above
from tools.podman import PROGRAMS, Podman  # noqa: E402

CASES = value_sets()
STORAGE = Path(os.environ.get("TANDEM_IMAGE_STORAGE", "/var/tmp/tandem-images"))


@pytest.fixture(params=CASES, scope="session")
def case(request: pytest.FixtureRequest) -> str:
    """The name of each install case (ci/*-values.yaml) in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def objects(case: str) -> list[dict[str, Any]]:
    """The objects of an install case."""
    return render(CASES[case])


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis for those pods that run here."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def podman() -> Podman:
    """The tools that build and run images, over a storage that the next run finds again."""
    if os.geteuid() != 0:
        pytest.skip("only root can build and run images without a daemon")
    for program in PROGRAMS:
        find_program(program)
    return Podman(STORAGE)
