"""``{% load tandem %}{% inbox %}``: the bell of whoever is logged in; ``{% inbox_preferences %}``: what he hears of."""

from __future__ import annotations

import json

from django import template
from django.core.exceptions import ImproperlyConfigured
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tandem.inbox.web.labels import LABELS, translated
from tandem.inbox.web.preferences_form import shown
from tandem.script_tag import request_of, script_tag

register = template.Library()


@register.simple_tag(takes_context=True)
def inbox(context: Context, *, toasts: bool = False, **labels: str) -> SafeString | str:
    """
    Show the inbox of the request's user, and nothing to who is not logged in. The page has ``{% tandem %}`` before it.

    *toasts* shows what arrives in a corner of the page, too. *labels* are words in place of the element's own, which
    are in the active language: ``{% inbox title="Messages" %}``.
    """
    if unknown := set(labels) - set(LABELS):
        raise TypeError(f"{{% inbox %}}: unknown: {', '.join(sorted(unknown))}; labels are {', '.join(LABELS)}")
    user = getattr(request_of(context, "inbox"), "user", None)
    if user is None or not user.is_authenticated:
        return ""
    words = {**translated(), **labels}
    attributes = {
        "src": _address("inbox"),
        **({"toasts": ""} if toasts else {}),
        **({"labels": json.dumps(words, ensure_ascii=False)} if words else {}),
    }
    return format_html(
        "<tandem-inbox{}></tandem-inbox>{}",
        format_html_join("", ' {}="{}"', attributes.items()),
        script_tag(context, "tandem/tandem-inbox.js"),
    )


@register.simple_tag(takes_context=True)
def inbox_preferences(context: Context) -> SafeString | str:
    """
    Show a form in which the request's user chooses by which media each kind comes to him; nothing to who is not one.

    Its template is ``tandem_inbox/preferences.html``: a project's own of that name takes its place.
    """
    request = request_of(context, "inbox_preferences")
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    _address("inbox_preferences")
    return render_to_string("tandem_inbox/preferences.html", shown(request), request)


def _address(tag: str) -> str:
    try:
        return reverse("tandem_inbox:list")
    except NoReverseMatch as error:
        raise ImproperlyConfigured(
            f'{{% {tag} %}} needs the inbox\'s routes: add path("inbox/", include("tandem.inbox.urls")) to the URLconf'
        ) from error
