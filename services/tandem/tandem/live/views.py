"""``fragment/``: a block as it is now, for who has a reference to it. Session user, GET; nothing changes by it."""

from __future__ import annotations

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.views.decorators.http import require_GET

from tandem.live.errors import Gone, NotShown, PartialTooLarge
from tandem.live.references import Reference, read, sign
from tandem.live.rights import require_right
from tandem.live.showing import Shown, show
from tandem.live.sources import is_there
from tandem.live.tags import say_loaded
from tandem.page import login_name

logger = logging.getLogger(__name__)

HEADER = "X-Tandem-Reference"


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
        reference = read(request.headers.get(HEADER, ""), login_name(request))
        _require_right(request, reference)
        say_loaded(request)
        return _shown(request, reference, show(reference, request))
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


def _shown(request: HttpRequest, reference: Reference, shown: Shown) -> HttpResponse:
    is_known = request.headers.get("If-None-Match") == shown.etag
    response = HttpResponseNotModified() if is_known else HttpResponse(shown.html)
    response["ETag"] = shown.etag
    response[HEADER] = sign(reference)
    response["X-Tandem-Pace"] = str(shown.pace)
    if shown.position is not None:
        response["X-Tandem-Position"] = str(shown.position)
    return response


def _refusal(status: int, why: str) -> JsonResponse:
    return JsonResponse({"error": why}, status=status)
