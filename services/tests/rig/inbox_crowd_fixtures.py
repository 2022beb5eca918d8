"""The project with an inbox and a crowd of users: ``pytest_plugins = ["rig.inbox_crowd_fixtures"]``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rig.inbox_crowd import USERS
from rig.inbox_site import InboxSite


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InboxSite]:
    """A project of the test's own, with a crowd of users."""
    with InboxSite(tmp_path_factory.mktemp("site")) as running:
        running.run(USERS)
        yield running
