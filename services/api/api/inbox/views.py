"""The inbox page. Pressing the button is a POST that works without JavaScript; the bell rings by tandem.inbox."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from api.inbox.forms import MessageForm
from tandem.inbox import EVERYONE, notify


@require_http_methods(["GET", "HEAD", "POST"])
@login_required(login_url="admin:login")
@never_cache
def notifications(request: HttpRequest) -> HttpResponse:
    """Show the bell and the button; notify whom the form says."""
    form = MessageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        users = EVERYONE if form.cleaned_data["to"] == "everyone" else request.user
        data = {"words": form.cleaned_data["words"]}
        notify(users, "example.message", actor=request.user, data=data, url=request.path)
        return redirect(request.path)
    status = 422 if form.errors else 200
    return render(request, "inbox/notifications.html", {"form": form}, status=status)
