"""The script of the SharedWorker, from the page's own origin."""

from __future__ import annotations

import gzip

from django.http import HttpResponse
from django.test import RequestFactory

from tandem.worker_script import PATH, script, worker_script


def get(query: str = "", **headers: str) -> HttpResponse:
    """What the view answers to a browser."""
    return worker_script(RequestFactory().get(f"/realtime/worker.js{query}", headers=headers))


def test_it_is_the_module_itself() -> None:
    """Byte for byte, as JavaScript, asked again at each use when no version was named."""
    response = get()

    assert response.content == PATH.read_bytes()
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cache-Control"] == "no-cache"


def test_it_is_compressed_for_who_takes_that() -> None:
    """Once, not by a middleware at each request."""
    response = get(accept_encoding="br, gzip")

    assert response["Content-Encoding"] == "gzip"
    assert response["Vary"] == "Accept-Encoding"
    assert gzip.decompress(response.content) == PATH.read_bytes()
    assert len(response.content) <= 10 * 1024


def test_a_named_version_is_kept_for_ever() -> None:
    """But only where it is the version that this process has: a deployment may have both for a while."""
    assert get(f"?v={script().version}")["Cache-Control"] == "public, max-age=31536000, immutable"
    assert get("?v=of-another-deployment")["Cache-Control"] == "no-cache"


def test_who_has_it_gets_nothing() -> None:
    """A conditional request costs no body."""
    response = get(if_none_match=get()["ETag"])

    assert (response.status_code, response.content) == (304, b"")


def test_nothing_but_reading() -> None:
    """Other methods are refused."""
    assert worker_script(RequestFactory().post("/realtime/worker.js")).status_code == 405


def test_nobody_has_to_be_logged_in() -> None:
    """A project that closes everything by `LoginRequiredMiddleware` does not close this."""
    assert worker_script.login_required is False
