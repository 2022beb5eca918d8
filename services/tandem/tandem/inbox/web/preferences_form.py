"""A user's preferences as a form in the project's own page, which needs no JavaScript."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.boxes.tenants import tenant_of
from tandem.inbox.errors import InvalidNotification
from tandem.inbox.preferences import choosing, threads


def shown(request: HttpRequest) -> dict[str, Any]:
    """Return what the template of the form shows to *request*'s user."""
    tenant = tenant_of(request)
    found = choosing.overview(request.user, tenant)
    return {
        "action": reverse("tandem_inbox:preferences_form"),
        "next": request.get_full_path(),
        "media": list(found["media"].values()),
        "kinds": [
            {**kind, "choices": [_choice(kind, name, label) for name, label in found["media"].items()]}
            for kind in found["kinds"]
        ],
        "threads": threads.labelled(request.user, tenant, found["threads"]),
    }


@require_POST
@login_required
@csrf_protect
def save(request: HttpRequest) -> HttpResponse:
    """Switch what differs from what is so, of what was shown, and go back to the page that has the form."""
    back = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(back, request.get_host(), require_https=request.is_secure())
    if not is_safe or not back.startswith("/"):  # as `shown` gives it
        return HttpResponseBadRequest("next: an address of this site\n", content_type="text/plain")
    try:
        with transaction.atomic(using=home()):
            _save(request)
    except InvalidNotification as error:
        return HttpResponseBadRequest(f"{error}\n", content_type="text/plain; charset=utf-8")
    return HttpResponseRedirect(f"{back.partition('#')[0]}#tandem-preferences")


def _save(request: HttpRequest) -> None:
    tenant, given = tenant_of(request), request.POST
    on, muted = set(given.getlist("on")), set(given.getlist("muted"))
    is_so = {kind["kind"]: kind["media"] for kind in choosing.overview(request.user, tenant)["kinds"]}
    for name in dict.fromkeys(given.getlist("shown")):
        kind, _, medium = name.rpartition(" ")
        if (name in on) != is_so.get(kind, {}).get(medium):
            choosing.choose(request.user, tenant, kind, medium, is_on=name in on)
    for thread in dict.fromkeys(given.getlist("threads")):
        if thread not in muted:
            choosing.mute(request.user, tenant, thread, is_muted=False)


def _choice(kind: dict[str, Any], medium: str, label: str) -> dict[str, Any]:
    return {"name": f"{kind['kind']} {medium}", "label": label, "is_on": kind["media"][medium]}
