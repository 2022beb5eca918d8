"""Tags that an app of the package brings into ``{% load tandem %}``."""

from __future__ import annotations

import importlib
from types import ModuleType, SimpleNamespace

import pytest
from django.apps import apps
from django.template import Context, Engine, Library

from tandem import tags_of_apps
from tandem.templatetags import tandem as core

own = Library()
"""As an app's module has it."""
own.simple_tag(lambda: "from the app", name="own")
register = own


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tag library of a project with such an app."""
    config = SimpleNamespace(tandem_tags=__name__)
    with monkeypatch.context() as patched:
        patched.setattr(apps, "get_app_configs", lambda: [SimpleNamespace(), config])
        assert list(tags_of_apps.libraries()) == [own]
        return importlib.reload(core)


def test_the_tags_of_an_installed_app_are_there(library: ModuleType) -> None:
    """Beside the core's own, with one `load`."""
    engine = Engine(libraries={"tandem": library.__name__})

    assert engine.from_string("{% load tandem %}{% own %}").render(Context({})) == "from the app"
    assert set(library.register.tags) == {"own", "tandem"}


def test_without_the_app_there_is_no_tag() -> None:
    """A template that uses it anyway fails where it is written."""
    library = importlib.reload(core)

    assert set(library.register.tags) == {"tandem"}
