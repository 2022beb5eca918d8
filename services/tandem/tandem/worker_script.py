"""
``worker.js``: tandem.js once more, from the page's own origin, as browsers want the script of a SharedWorker.

STATIC_URL may be another host; this route never is.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

PATH = Path(__file__).parent / "static" / "tandem" / "tandem.js"
YEAR_SECONDS = 365 * 24 * 3600


class Script(NamedTuple):
    """The file, as it is and compressed, and a name for exactly this content."""

    plain: bytes
    compressed: bytes
    version: str


def script() -> Script:
    """Return the script as the disk has it."""
    return _read(PATH.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(modified_ns: int) -> Script:
    plain = PATH.read_bytes()
    return Script(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha256(plain).hexdigest()[:12])


@require_safe
@login_not_required
def worker_script(request: HttpRequest) -> HttpResponse:
    """Answer the script; for ever, to who asks for the version that it has."""
    current = script()
    etag = f'W/"{current.version}"'
    is_known = request.headers.get("If-None-Match") == etag
    response = HttpResponseNotModified() if is_known else HttpResponse(content_type="text/javascript; charset=utf-8")
    is_named = request.GET.get("v") == current.version
    response["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable" if is_named else "no-cache"
    response["ETag"] = etag
    patch_vary_headers(response, ["Accept-Encoding"])
    if is_known:
        return response
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response["Content-Encoding"] = "gzip"
        response.content = current.compressed
    else:
        response.content = current.plain
    return response
