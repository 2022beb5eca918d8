"""``fragment/``: a block as it is now, for who has a reference to it. Session user, GET; nothing changes by it."""

from __future__ import annotations

import contextlib
import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.views.decorators.http import require_GET

from tandem.live.errors import Gone, NotShown, PartialTooLarge
from tandem.live.lately import look_lately
from tandem.live.references import Reference, read, renew
from tandem.live.rights import require_right
from tandem.live.showing import Shown, show
from tandem.live.sources import is_there
from tandem.live.tags import say_loaded
from tandem.page import login_name
from tandem.publication import Position

logger = logging.getLogger(__name__)

HEADER = "X-Tandem-Reference"
POSITION = "X-Tandem-Position"
"""Asked with: where the element stands, by what it has heard. Answered: where the channel stood before the rows."""


@require_GET
@login_not_required
def fragment(request: HttpRequest) -> HttpResponse:
    """Answer with the HTML; 304 to who has it; 410 where the row is gone; 403 as JSON to who may not see it."""
    response = _answer(request)
    response["Cache-Control"] = "no-store, private"
    response["Vary"] = f"Cookie, {HEADER}"
    return response


# Each query sees what is committed by then: in one transaction the first would decide for all.
fragment._non_atomic_requests = set(settings.DATABASES)  # type: ignore[attr-defined]


def _answer(request: HttpRequest) -> HttpResponse:
    try:
        text = _header(request, HEADER)
        reference = read(text, login_name(request))
        _require_right(request, reference)
        say_loaded(request)
        looked = look_lately(reference.block.channel, reference.viewer, _heard(request))
        shown = show(reference, request, looked)
        return _shown(request, shown, renew(text, reference))
    except NotShown as error:
        return _refusal(403, error.reason)
    except Gone:
        return _refusal(410, "gone")
    except PartialTooLarge as error:
        logger.error("live.too_large", extra={"reason": str(error)})
        return _refusal(500, str(error))
    except Exception:  # of the project's own source, partial or permission function: told to the log, not to the page
        logger.exception("live.failed")
        return _refusal(500, "internal error")


def _require_right(request: HttpRequest, reference: Reference) -> None:
    """A permission function that looks for the row refuses one that is gone, which is another thing to tell."""
    try:
        require_right(request, reference.block.channel)
    except NotShown:
        if not is_there(reference.block):
            raise Gone(reference.block.channel) from None
        raise


def _heard(request: HttpRequest) -> Position | None:
    with contextlib.suppress(ValueError):
        return Position.parse(_header(request, POSITION))
    return None


def _header(request: HttpRequest, name: str) -> str:
    """Return a header, out of META: `HttpRequest.headers` is made of all of them, for every request."""
    return str(request.META.get(f"HTTP_{name.upper().replace('-', '_')}", ""))


def _shown(request: HttpRequest, shown: Shown, reference: str) -> HttpResponse:
    is_known = _header(request, "If-None-Match") == shown.etag
    response = HttpResponseNotModified() if is_known else HttpResponse(shown.html)
    response["ETag"] = shown.etag
    response[HEADER] = reference
    response["X-Tandem-Pace"] = str(shown.pace)
    if shown.position is not None:
        response[POSITION] = str(shown.position)
    return response


def _refusal(status: int, why: str) -> JsonResponse:
    return JsonResponse({"error": why}, status=status)
