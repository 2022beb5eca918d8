"""The front page. Its forms work without JavaScript; with it they are posted without leaving the page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

import tandem
from api.counters import actions as counters
from api.counters.views import DEMO
from api.front import excerpts, people, story
from api.front.forms import GreetingForm, OrderForm, ShipForm, SignInForm
from api.orders import actions as orders
from api.orders.models import CHANNEL as ORDERS
from tandem.inbox import notify

BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_safe
@never_cache
def index(request: HttpRequest) -> HttpResponse:
    """Show everything."""
    return _page(request)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Be Ada or Grace."""
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    try:
        login(request, people.person(form.cleaned_data["name"]), backend=BACKEND)
    except people.NotForVisitors:
        return _page(request, problem="That name is taken by somebody's own account here.", status=403)
    return redirect("index")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Be nobody again: every page of this login says so within two seconds."""
    logout(request)
    return redirect("index")


@require_POST
def press(request: HttpRequest) -> HttpResponse:
    """Add one to the counter."""
    try:
        counters.increment(DEMO)
    except (counters.OutOfRange, counters.UnknownCounter) as error:
        return _told(request, str(error))
    return _done(request)


@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """Place an order."""
    form = OrderForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    orders.place(form.cleaned_data["what"], request.user)
    return _done(request)


@require_POST
def ship(request: HttpRequest) -> HttpResponse:
    """Ship an order; whoever placed it hears of it."""
    form = ShipForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    try:
        orders.ship(form.cleaned_data["pk"], request.user)
    except orders.UnknownOrder as error:
        return _told(request, str(error))
    return _done(request)


@require_POST
@login_required(login_url="index")
def greet(request: HttpRequest) -> HttpResponse:
    """Make a bell ring."""
    form = GreetingForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    try:
        friend = people.person(form.cleaned_data["to"])
    except people.NotForVisitors as error:
        return _told(request, str(error))
    notify(friend, "front.greeting", actor=orders.name_of(request.user), url="/")
    return _done(request)


@require_POST
def missed(request: HttpRequest) -> HttpResponse:
    """Let ten things happen, for a page that has cut its line."""
    return JsonResponse({"things": story.happen(request.user)})


@require_safe
def source(request: HttpRequest, path: str) -> HttpResponse:
    """Show a file that the front page shows lines of."""
    try:
        code = excerpts.highlight(excerpts.source_of(path))
    except LookupError as error:
        raise Http404(str(error)) from error
    return render(request, "front/source.html", {"path": path, "code": code})


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead to our mark: pages of Django's own (the admin, the OpenAPI docs) name no icon."""
    return redirect(static("api/mark.svg"))


def _page(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    counter, position = counters.find_with_position(DEMO)
    context: dict[str, Any] = {
        "counter": counter,
        "position": position,
        "channel": counters.channel_for(counter.name) if settings.TANDEM_REALTIME_ENABLED else "",
        "orders_channel": ORDERS,
        "orders_position": _position(ORDERS),
        "people": people.PEOPLE,
        "problem": problem,
    }
    return render(request, "front/index.html", context, status=status)


def _position(channel: str) -> tandem.Position | None:
    return tandem.position(channel) if settings.TANDEM_REALTIME_ENABLED else None


def _done(request: HttpRequest) -> HttpResponse:
    """Answer a form: nothing to a script, the page to a browser."""
    return HttpResponse(status=204) if _is_script(request) else redirect("index")


def _refused(request: HttpRequest, form: forms.Form) -> HttpResponse:
    [(field, problems), *_] = form.errors.items()
    return _told(request, f"{field}: {problems[0]}")


def _told(request: HttpRequest, problem: str) -> HttpResponse:
    if _is_script(request):
        return JsonResponse({"problem": problem}, status=422)
    return _page(request, problem=problem, status=422)


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "") == "application/json"
