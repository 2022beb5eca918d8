"""Django as the realtime service's own tests need it, and two running processes."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ.setdefault("TANDEM_DEBUG", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")

import pytest

from realtime.tests.pair import Pair


@pytest.fixture(scope="session")
def _pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("pair")) as running:
        yield running


@pytest.fixture
def pair(_pair: Pair) -> Iterator[Pair]:
    """Two running processes; the test's own `tandem` publishes to them."""
    with _pair.settings():
        yield _pair
