"""``POST /server/<method>``: who may ask, and the way in."""

from __future__ import annotations

import hmac

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tandem import conf
from tandem.server_api.calls import call

RETRY_SECONDS = "1"
UNAUTHORIZED = b'{"error":{"code":101,"message":"unauthorized"}}'


@login_not_required
@csrf_exempt  # asked by programs, with a key and without cookies
@require_POST
def server_api(request: HttpRequest, method: str) -> HttpResponse:
    """
    Answer 200 with a result or an error, whatever the method makes of it; 401 without a key of TANDEM_API_KEYS.

    503 with Retry-After and the same body where Redis is away and nothing of what was asked has been done.
    """
    if not is_known_key(request.headers.get("X-API-Key", "")):
        return HttpResponse(UNAUTHORIZED, status=401, content_type="application/json")
    reply = call(method, request.body)
    answer = HttpResponse(reply.body, content_type="application/json")
    if reply.is_unavailable:
        answer.status_code = 503
        answer["Retry-After"] = RETRY_SECONDS
    return answer


def is_known_key(offered: str) -> bool:
    """Tell whether *offered* is one of the keys, in a time that does not tell how much of it is right."""
    return any(hmac.compare_digest(offered.encode(), key.encode()) for key in conf.settings().api_keys)
