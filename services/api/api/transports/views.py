"""The transports page. It measures in the browser, which cannot see the heads of its own requests: `head` tells."""

from __future__ import annotations

import time
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from api.counters import actions as counters
from api.counters.views import DEMO
from api.transports.processor import seconds_of_pages, seconds_of_sockets
from tandem.errors import RedisReplyError, RedisUnavailable

ADDED_BY_EDGES = ("X-Forwarded-", "X-Real-", "X-Request-Id", "Forwarded", "Connection")


class Lane(NamedTuple):
    """One transport on the page."""

    name: str
    title: str
    text: str


LANES = (
    Lane(
        "short",
        "Short polling",
        "Ask every two seconds. Any Django does it; the delay is the pause, and most answers are news to nobody.",
    ),
    Lane(
        "long",
        "Long polling",
        "Ask, and be answered when there is something. No delay, but a request and all of its headers for each change.",
    ),
    Lane(
        "sse",
        "EventSource",
        "One response that never ends. The browser resumes it by itself, from the last id that it saw.",
    ),
    Lane(
        "websocket",
        "WebSocket",
        "Both ways over one connection: subscribe, recover, ask who is there. What tandem.js speaks.",
    ),
    Lane(
        "uni", "One-way WebSocket", "The same frames without a protocol around them, for a page with no library at all."
    ),
)


@require_safe
@never_cache
def transports(request: HttpRequest) -> HttpResponse:
    """Show the five lanes."""
    context = {
        "lanes": LANES,
        "counter": counters.find(DEMO),
        "channel": counters.channel_for(DEMO) if settings.TANDEM_REALTIME_ENABLED else "",
    }
    return render(request, "transports/transports.html", context)


@require_safe
@never_cache
def head(request: HttpRequest) -> HttpResponse:
    """Answer with the bytes of each header of this request, as HTTP/1.1 writes it, without what the edge adds."""
    lines = {name.lower(): len(f"{name}: {value}\r\n".encode()) for name, value in request.headers.items()}
    added = tuple(each.lower() for each in ADDED_BY_EDGES)
    return JsonResponse({name: size for name, size in lines.items() if not name.startswith(added)})


@require_safe
@never_cache
def processor(request: HttpRequest) -> JsonResponse:
    """Answer with the processor time of the servers until now: who asks twice knows what was spent in between."""
    server = request.META.get("SERVER_SOFTWARE", "")
    try:
        spent = {"pages": seconds_of_pages(server), "sockets": seconds_of_sockets()}
    except (RedisUnavailable, RedisReplyError) as error:
        return JsonResponse({"problem": str(error)}, status=503)
    return JsonResponse({"at": time.monotonic(), **spent})
