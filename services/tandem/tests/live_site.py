"""A project with live blocks: what its tests show and ask."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.template import engines
from django.test import Client, RequestFactory

import tandem
from tandem.live import source

LOAD = "{% load tandem %}"
NAME = '{% live person partial="live/user.html#name" %}'


def declare() -> None:
    """Say who may hear what, and what blocks show."""

    @tandem.channel("user:{pk}")
    def user(user: User, pk: int) -> bool:
        return user.pk == pk or user.is_staff

    @tandem.channel("names:{first}")
    def names(user: User, first: str) -> bool:
        return User.objects.filter(pk=user.pk, is_active=True).exists()

    @source(channel="names:{first}")
    def people(request: Any, first: str = "a") -> dict[str, Any]:
        return {"users": User.objects.filter(first_name__startswith=first).order_by("pk")}

    @source(channel="public:board.{first}", push="live/names.html")
    def board(first: str) -> dict[str, Any]:
        return {"users": User.objects.filter(first_name__startswith=first).order_by("pk")}

    @source(channel="public:large")
    def large(request: Any, size: int) -> dict[str, Any]:
        return {"text": "é" * size}

    @source(channel="public:missing")
    def missing(request: Any) -> dict[str, Any]:
        return {"object": User.objects.get(first_name="nobody")}


def render(client: Client, template: str, **context: Any) -> str:
    """Render *template* as a page for whoever *client* is."""
    request: Any = RequestFactory().get("/")
    request.session = client.session
    from django.contrib.auth import get_user

    request.user = get_user(request)
    return engines["django"].from_string(LOAD + template).render(context, request)


def attributes(html: str) -> dict[str, str]:
    """Return the attributes of the block on a page."""
    [found] = re.findall(r"<tandem-live([^>]*)>", html)
    return {name: value.replace("&quot;", '"') for name, value in re.findall(r'([\w-]+)="([^"]*)"', found)}


def content(html: str) -> str:
    """Return what stands in the block on a page."""
    return re.findall(r"<tandem-live[^>]*>(.*)</tandem-live>", html, re.DOTALL)[0]


def ask(client: Client, reference: str, **headers: str) -> HttpResponse:
    """Ask for a fragment as the element does."""
    return client.get("/realtime/fragment/", headers={"X-Tandem-Reference": reference, **headers})  # type: ignore[return-value]
