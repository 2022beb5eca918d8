"""Tags that an app of the package brings into ``{% load tandem %}``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from django.test import modify_settings

from tandem.templatetags import tandem as core


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """The library of these tests' project again, for the tests after."""
    yield
    importlib.reload(core)


def test_the_tags_of_installed_apps_are_there() -> None:
    """Beside the core's own, with one `load`."""
    assert set(core.register.tags) == {"tandem", "live", "inbox", "inbox_preferences"}


def test_without_the_app_there_is_no_tag() -> None:
    """A template that uses it anyway fails where it is written."""
    with modify_settings(INSTALLED_APPS={"remove": ["tandem.inbox"]}):
        library = importlib.reload(core)

    assert set(library.register.tags) == {"tandem", "live"}
