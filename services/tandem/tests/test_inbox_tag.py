"""What ``{% inbox %}`` writes into a page."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Engine
from django.test import RequestFactory, override_settings
from django.utils import translation

import tandem
from tandem.inbox.web.labels import LABELS, translated

ENGINE = Engine(libraries={"tandem": "tandem.templatetags.tandem"})
SCRIPT = Path(tandem.__file__).parent / "static/tandem/tandem-inbox.js"


def page(tag: str = "{% inbox %}", user: Any = None, **context: Any) -> str:
    """A page of somebody who is logged in, with nothing but the tag."""
    request: Any = RequestFactory().get("/")
    request.user = user or SimpleNamespace(pk=7, is_authenticated=True)
    return ENGINE.from_string("{% load tandem %}" + tag).render(Context({"request": request, **context}))


def labels(html: str) -> dict[str, str]:
    """What the element reads."""
    [found] = re.findall('<tandem-inbox[^>]* labels="([^"]*)"', html)
    return dict(json.loads(unescape(found)))


def test_the_element_and_its_script() -> None:
    """Where the project has the inbox, and nothing that the element knows by itself."""
    script = '<script type="module" src="/static/tandem/tandem-inbox.js"></script>'

    assert page() == f'<tandem-inbox src="/inbox/"></tandem-inbox>{script}'


def test_toasts_and_a_nonce() -> None:
    """Both are attributes."""
    html = page("{% inbox toasts=True %}", csp_nonce="n")

    assert '<tandem-inbox src="/inbox/" toasts="">' in html
    assert 'tandem-inbox.js" nonce="n">' in html


def test_who_is_not_logged_in_gets_nothing() -> None:
    """He has no inbox."""
    assert page(user=AnonymousUser()) == ""


def test_words_in_the_language_of_the_request() -> None:
    """German comes with the package; every label has it."""
    with translation.override("de"):
        german = labels(page())

    assert set(german) == set(LABELS)
    assert german["unread"] == "Ungelesen"
    assert [re.findall("{.*?}", text) for text in german.values()] == [
        re.findall("{.*?}", text) for text in LABELS.values()
    ]


def test_words_of_ones_own() -> None:
    """They win, and are text."""
    html = page("{% inbox title=title %}", title='"><script>alert(1)</script>')

    assert html.count("<script") == 1
    assert labels(html) == {"title": '"><script>alert(1)</script>'}


def test_an_unknown_word_is_refused() -> None:
    """Not left out in silence."""
    with pytest.raises(TypeError, match=r"\{% inbox %\}: unknown: tytle; labels are title, new, "):
        page('{% inbox tytle="Messages" %}')


def test_the_element_has_the_same_words() -> None:
    """Names, order and English of the script are those that Django translates."""
    [block] = re.findall(r"const LABELS = \{\n(.*?)\n\};", SCRIPT.read_text(), re.DOTALL)
    of_script = dict(re.findall(r'^  (\w+): "(.*)",$', block, re.MULTILINE))

    assert list(of_script.items()) == list(LABELS.items())


def test_without_translation_nothing_is_said() -> None:
    """A language that the package does not have keeps the element's English."""
    with translation.override("is"):
        assert translated() == {}


def test_a_project_without_the_routes_is_told() -> None:
    """Where the tag stands."""

    class Nowhere:
        urlpatterns: list[Any] = []

    with override_settings(ROOT_URLCONF=Nowhere), pytest.raises(ImproperlyConfigured) as refusal:
        page()

    assert str(refusal.value) == (
        '{% inbox %} needs the inbox\'s routes: add path("inbox/", include("tandem.inbox.urls")) to the URLconf'
    )
