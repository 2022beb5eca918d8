"""``{% live order partial="orders/detail.html#status" %}``: a part of a page that stays true."""

from __future__ import annotations

from typing import Any

from django import template
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.http import HttpRequest
from django.template.context import Context
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from tandem.live import viewers
from tandem.live.blocks import Block, as_told
from tandem.live.pushing import require_closed
from tandem.live.references import refer, sign
from tandem.live.rights import require_right
from tandem.live.showing import is_pushed, show
from tandem.live.sources import MODEL, find_source
from tandem.page import login_name
from tandem.script_tag import request_of, script_tag

register = template.Library()

_LOADED = "_tandem_live_is_loaded"


@register.simple_tag(takes_context=True)
def live(
    context: Context, what: Any, *arguments: Any, partial: str = "", channel: str = "", **named: Any
) -> SafeString:
    """
    Show *what* (a model's object, or a source by name with its arguments) by *partial*, and keep it true.

    *partial* is a template, or a part of one: ``template#part``. *channel* tells of changes: that of the source, or
    ``<model>:<pk>``, unless given. Its permission function is asked; without one the tag raises.
    """
    request = request_of(context, "live")
    block = _block(what, arguments, named, partial, channel)
    require_right(request, block.channel)
    if is_pushed(block):
        require_closed(block)
    reference = refer(block, login_name(request))
    shown = show(reference, request, viewers.look(block.channel, reference.viewer))
    attributes = {
        "channel": block.channel,
        "src": _address(),
        "reference": sign(reference),
        "key": block.key,
        "since": "" if shown.position is None else str(shown.position),
        "etag": shown.etag,
        "pace": shown.pace,
        "turn": shown.turn,
        "renewal": viewers.RENEWAL_SECONDS,
        **({"push": ""} if is_pushed(block) else {}),
    }
    return format_html(
        "{}<tandem-live{}>{}</tandem-live>",
        _script(context, request),
        format_html_join("", ' {}="{}"', attributes.items()),
        mark_safe(shown.html),  # a template rendered it
    )


def _block(what: Any, arguments: tuple[Any, ...], named: dict[str, Any], partial: str, channel: str) -> Block:
    partial, channel = partial[:], channel[:]  # plain text of what a template holds for safe
    if isinstance(what, Model):
        if arguments or named:
            raise TypeError("{% live %}: a model's object takes no arguments: write a source, @tandem.live.source")
        if what.pk is None:
            raise ValueError(f"{{% live %}}: this {what._meta.verbose_name} is not saved")
        told, _ = as_told([what.pk], {})
        channel = channel or f"{what._meta.model_name}:{what.pk}"
        return Block(MODEL + what._meta.label_lower, told, {}, _required(partial, str(what)), channel)
    if not isinstance(what, str) or not what:
        kind = type(what).__name__
        raise TypeError(f"{{% live %}} shows a model's object or a source by its name, not a {kind}: {what!r}")
    source = find_source(what := what[:])
    told, told_named = as_told(arguments, named)
    channel = channel or source.channel_of(told, told_named)
    if not channel:
        raise ImproperlyConfigured(
            f"{{% live {what!r} %}}: which channel tells of its changes? Give the source channel="
        )
    if source.push and partial and partial != source.push:
        raise ImproperlyConfigured(f"{{% live {what!r} %}} shows {source.push}, which its source pushes, not {partial}")
    return Block(what, told, told_named, _required(source.push or partial, what), channel)


def _required(partial: str, what: str) -> str:
    if not partial:
        raise ImproperlyConfigured(f"{{% live %}}: which template shows {what!r}? Give partial=")
    return partial


def _address() -> str:
    try:
        return reverse("tandem:fragment")
    except NoReverseMatch as error:
        raise ImproperlyConfigured(
            '{% live %} needs the package\'s routes: add path("realtime/", include("tandem.urls")) to the URLconf'
        ) from error


def _script(context: Context, request: HttpRequest) -> SafeString | str:
    """Load the element, once for each page."""
    if getattr(request, _LOADED, False):
        return ""
    setattr(request, _LOADED, True)
    return script_tag(context, "tandem/tandem-live.js")


def say_loaded(request: HttpRequest) -> None:
    """A fragment goes to a page that has the element."""
    setattr(request, _LOADED, True)
