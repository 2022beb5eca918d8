"""The test kit for pytest: fixtures that are there once the package is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # Django is not set up yet
    from tandem.testing import Client, Published, Recorder


@pytest.fixture
def tandem_memory() -> Iterator[Recorder]:
    """No Redis in this test: an empty store, and a record of what is published."""
    from tandem.testing import memory

    with memory() as recorder:
        yield recorder


@pytest.fixture
def published(tandem_memory: Recorder) -> Callable[..., list[Published]]:
    """What this test has published: ``published("order:7")``, or everything."""
    return tandem_memory.published


@pytest.fixture
def tandem_client(tandem_memory: Recorder) -> Callable[..., Client]:
    """A client with a user's permissions: ``tandem_client(user).subscribe("order:7")``."""
    from tandem.testing import Client

    def make(who: Any = None) -> Client:
        return Client(who)

    return make
