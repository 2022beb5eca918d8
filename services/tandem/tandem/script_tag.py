"""The script tag of a module of ours, under the page's own Content-Security-Policy."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString


def script_tag(context: Context, path: str) -> SafeString:
    """Return the tag that loads the static file *path*, with the nonce of the page (Django 6 or django-csp)."""
    return format_html('<script type="module" src="{}"{}></script>', static(path), _nonce_attribute(context))


def request_of(context: Context, tag: str) -> HttpRequest:
    """Return the request that the page answers; *tag* is who wants it."""
    request = context.get("request")
    if request is None:
        raise ImproperlyConfigured(f"{{% {tag} %}} needs the request: add django.template.context_processors.request")
    found: HttpRequest = request
    return found


def _nonce_attribute(context: Context) -> SafeString | str:
    """Return the nonce of the page's policy as an attribute. To read a lazy one is what puts it into the header."""
    request = context.get("request")
    nonce: Any = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(request, "csp_nonce", None)  # django-csp
    if nonce is None:
        nonce = getattr(request, "_csp_nonce", None)  # Django 6 without its context processor
    return "" if nonce is None else format_html(' nonce="{}"', nonce)
