"""``{% load tandem %}{% tandem %}``: tandem.js and its configuration, for the head of a page."""

from __future__ import annotations

from typing import Any

from django import template
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString

from tandem.page import ENDPOINT, configuration

register = template.Library()

CONFIG_ID = "tandem-config"


@register.simple_tag(takes_context=True)
def tandem(context: Context, endpoint: str = ENDPOINT) -> SafeString:
    """
    Make the page ready for tandem.js. *endpoint* is where realtime is, if that is not ``/ws`` of the same host.

    Works under a strict Content-Security-Policy: nothing is inline but JSON, and the script carries the nonce that
    Django 6 or django-csp made for the page.
    """
    request = context.get("request")
    if request is None:
        raise ImproperlyConfigured("{% tandem %} needs the request: add django.template.context_processors.request")
    return format_html(
        '{}\n<script type="module" src="{}"{}></script>',
        json_script(configuration(request, endpoint), CONFIG_ID),
        static("tandem/tandem.js"),
        _nonce_attribute(context, request),
    )


def _nonce_attribute(context: Context, request: HttpRequest) -> SafeString | str:
    """Return the nonce of the page's policy as an attribute. To read a lazy one is what puts it into the header."""
    nonce: Any = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(request, "csp_nonce", None)  # django-csp
    if nonce is None:
        nonce = getattr(request, "_csp_nonce", None)  # Django 6 without its context processor
    return "" if nonce is None else format_html(' nonce="{}"', nonce)
