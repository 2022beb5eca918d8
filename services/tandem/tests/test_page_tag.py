"""What ``{% tandem %}`` writes into a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.template import Context, Engine
from django.test import RequestFactory, override_settings
from django.urls import clear_script_prefix, include, path, set_script_prefix

from tandem.auth.logins import SESSION_KEY as LOGIN_KEY
from tandem.worker_script import script

urlpatterns = [path("realtime/", include("tandem.urls"))]
ENGINE = Engine(libraries={"tandem": "tandem.templatetags.tandem"})


class Here:
    """A URLconf with the package's routes."""

    urlpatterns = urlpatterns


class Nowhere:
    """A URLconf without them."""

    urlpatterns: list[Any] = []


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    """A project that has the routes and static files on another host."""
    with override_settings(ROOT_URLCONF=Here, STATIC_URL="https://cdn.example/static/"):
        yield


def page(request: HttpRequest | None = None, tag: str = "{% tandem %}", **context: Any) -> str:
    """A page that holds nothing but the tag."""
    request = request or RequestFactory().get("/")
    return ENGINE.from_string("{% load tandem %}" + tag).render(Context({"request": request, **context}))


def configuration(html: str) -> dict[str, Any]:
    """What tandem.js reads."""
    found = re.search(r'<script id="tandem-config" type="application/json">(.*?)</script>', html)
    assert found is not None
    return dict(json.loads(found[1]))


def login(pk: object, login: str = "one") -> HttpRequest:
    """A request of the user *pk*, in a session of that login."""
    request: Any = RequestFactory().get("/")
    request.user = SimpleNamespace(pk=pk, is_authenticated=True)
    request.session = {USER_KEY: str(pk), LOGIN_KEY: login}
    return request


def test_the_script_is_a_static_file_and_the_worker_is_not() -> None:
    """A browser takes a worker's script from the page's own origin only."""
    html = page()

    assert '<script type="module" src="https://cdn.example/static/tandem/tandem.js"></script>' in html
    assert configuration(html)["worker"] == f"/realtime/worker.js?v={script().version}"


def test_an_anonymous_page_asks_for_no_token() -> None:
    """It is everybody's: its tabs share, and it has no token to fetch."""
    found = configuration(page())

    assert (found["login"], found["token"]) == ("", "")


def test_a_login_is_named_without_telling_it() -> None:
    """Same login, same name; another user or another login of the same user, another one."""
    mine = configuration(page(login(17)))["login"]

    assert configuration(page(login(17)))["login"] == mine
    assert configuration(page(login(18)))["login"] != mine
    assert configuration(page(login(17, "another")))["login"] != mine
    assert re.fullmatch("[0-9a-f]{16}", mine)


def test_tokens_are_asked_for_in_the_name_of_the_login() -> None:
    """A page that outlives its login gets none of the next one."""
    found = configuration(page(login(17)))

    assert found["token"] == f"/realtime/token/?login={found['login']}"
    assert found["subscription"] == f"/realtime/subscription/?login={found['login']}"
    assert found["ticket"] == f"/realtime/ticket/?login={found['login']}"


def test_another_endpoint() -> None:
    """Realtime may live on a host of its own."""
    html = page(tag='{% tandem endpoint="https://live.example/ws" %}')

    assert configuration(html)["endpoint"] == "https://live.example/ws"


def test_a_project_below_a_path() -> None:
    """Its sockets are below it, too, unless the tag says where else."""
    set_script_prefix("/shop/")
    try:
        found = [configuration(page(tag=tag))["endpoint"] for tag in ("{% tandem %}", '{% tandem endpoint="/ws" %}')]
    finally:
        clear_script_prefix()

    assert found == ["/shop/ws", "/ws"]


@override_settings(CSRF_COOKIE_NAME="c", CSRF_HEADER_NAME="HTTP_X_OTHER")
def test_where_the_csrf_token_is() -> None:
    """In the cookie, which the browser gets; its name and the header's are the project's."""
    request = RequestFactory().get("/")
    found = configuration(page(request))["csrf"]

    assert found == {"cookie": "c", "header": "X-OTHER", "token": ""}
    assert request.META["CSRF_COOKIE_NEEDS_UPDATE"]


@override_settings(CSRF_COOKIE_HTTPONLY=True)
def test_a_csrf_cookie_that_scripts_cannot_read() -> None:
    """The token itself is on the page then."""
    assert len(configuration(page())["csrf"]["token"]) == 64


def test_the_nonce_of_django_and_of_django_csp() -> None:
    """From the context (Django 6), from the request (django-csp; Django 6 without its context processor)."""
    with_csp = RequestFactory().get("/")
    with_csp.csp_nonce = "of-django-csp"
    with_django = RequestFactory().get("/")
    with_django._csp_nonce = "of-django"

    assert 'nonce="from-context"' in page(csp_nonce="from-context")
    assert 'nonce="of-django-csp"' in page(with_csp)
    assert 'nonce="of-django"' in page(with_django)
    assert "nonce" not in page()


def test_configuration_cannot_end_its_script() -> None:
    """What stands in the page as JSON is escaped for HTML."""
    html = page(tag='{% tandem endpoint="</script><b>" %}')

    assert html.count("</script>") == 2
    assert configuration(html)["endpoint"] == "</script><b>"


def test_a_project_without_the_routes_is_told() -> None:
    """Not at the first socket, but where the tag stands."""
    with override_settings(ROOT_URLCONF=Nowhere), pytest.raises(ImproperlyConfigured) as refusal:
        page()

    assert str(refusal.value) == (
        '{% tandem %} needs the package\'s routes: add path("realtime/", include("tandem.urls")) to the URLconf'
    )


def test_a_template_without_its_request_is_told() -> None:
    """The tag cannot know whose page it is."""
    with pytest.raises(ImproperlyConfigured, match=r"add django\.template\.context_processors\.request"):
        ENGINE.from_string("{% load tandem %}{% tandem %}").render(Context({}))
