"""The pages: one shows a counter, one changes it. Both work without JavaScript; tandem.js makes them live."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from api.counters import actions
from api.counters.forms import IncrementForm

DEMO = "demo"


@require_safe
@never_cache
def counter(request: HttpRequest, name: str = DEMO) -> HttpResponse:
    """Show a counter."""
    return render(request, "counters/counter.html", _live_context(request, name))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def increment(request: HttpRequest, name: str = DEMO) -> HttpResponse:
    """Show the buttons; a POST is a pressed button in a browser without JavaScript."""
    if request.method != "POST":
        return render(request, "counters/increment.html", _live_context(request, name, form=IncrementForm()))
    form = IncrementForm(request.POST)
    if form.is_valid():
        try:
            actions.increment(name, form.cleaned_data["by"])
            return redirect(request.path)
        except actions.OutOfRange as error:
            form.add_error("by", str(error))
        except actions.UnknownCounter as error:
            raise Http404(str(error)) from error
    return render(request, "counters/increment.html", _live_context(request, name, form=form), status=422)


def _live_context(request: HttpRequest, name: str, **more: Any) -> dict[str, Any]:
    """Return what a live page needs: the row, and where to subscribe from. Without a realtime service it polls."""
    try:
        counter, position = actions.find_with_position(name)
    except actions.UnknownCounter as error:
        raise Http404(str(error)) from error
    return {
        "counter": counter,
        "position": position,
        "channel": actions.channel_for(counter.name) if settings.TANDEM_REALTIME_ENABLED else "",
        **more,
    }
