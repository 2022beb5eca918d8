"""The fleet that stands through all faults of a file: ``pytest_plugins = ["rig.fault_fixtures"]``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from rig.faults import COUNTERS, SLOW, UNSEEN
from rig.fleet import Fleet


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two of everything, and the counters of all tests."""
    options = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
    environ = {"TANDEM_NAMESPACES": '{"crowd": {"presence": true}}'}

    def run() -> Fleet:
        return Fleet(tmp_path_factory.mktemp("fleet") / "parts", redis_options=options, environ=environ)

    with contextlib.ExitStack() as running:
        try:
            fleet = running.enter_context(run())
        except RuntimeError:  # a port that was free when it was chosen is somebody else's by now
            fleet = running.enter_context(run())
        names = [*COUNTERS, UNSEEN, SLOW]
        fleet.manage("shell", "-c", f"from api.counters.actions import create; [create(n) for n in {names}]")
        yield fleet
