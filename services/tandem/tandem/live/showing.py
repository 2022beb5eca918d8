"""Show a block: the channel's position first, the rows second, so that nothing falls between."""

from __future__ import annotations

import contextlib
import hashlib
import zoneinfo
from collections.abc import Iterator
from typing import Any, NamedTuple

import django
from django.apps import apps
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils import timezone, translation

from tandem import conf
from tandem.live.blocks import Block
from tandem.live.errors import PartialTooLarge
from tandem.live.references import Reference
from tandem.live.snapshots import may_be_older
from tandem.live.sources import MODEL, context_of, find_source
from tandem.live.viewers import Look
from tandem.publication import Position


class Shown(NamedTuple):
    """A block as it is now. Without a position the element asks once more after it has subscribed."""

    html: str
    position: Position | None
    pace: float
    turn: float

    @property
    def etag(self) -> str:
        """A name for exactly this content."""
        return f'W/"{hashlib.sha256(self.html.encode()).hexdigest()[:20]}"'


def show(reference: Reference, request: HttpRequest, looked: Look) -> Shown:
    """
    Render what *reference* refers to, for who makes *request*. The right was asked before, and the channel looked at.

    Raises `Gone`, `PartialTooLarge`, `ImproperlyConfigured`, and what the source and the partial raise.
    """
    with _speaking(reference.language, reference.time_zone):
        html = render(reference.block, request)
    return Shown(html, None if may_be_older() else looked.position, looked.pace, looked.turn)


def render(block: Block, request: HttpRequest | None) -> str:
    """Render the partial of *block*, with its source's context and nothing else. A pushed one has no request."""
    if is_pushed(block):
        with _speaking(django_settings.LANGUAGE_CODE, django_settings.TIME_ZONE):
            return _within_limit(block, _template(block.partial).render(context_of(block, None)))
    return _within_limit(block, _template(block.partial).render(context_of(block, request), request))


def is_pushed(block: Block) -> bool:
    """Tell whether *block* is rendered once for everybody."""
    return not block.source.startswith(MODEL) and bool(find_source(block.source).push)


def _template(partial: str) -> Any:
    has_partials = django.VERSION >= (6, 0) or apps.is_installed("template_partials")
    if "#" in partial and not has_partials:
        raise ImproperlyConfigured(
            f"{{% live %}}: {partial!r} is a part of a template, which Django 6 knows, and Django 5.2 with "
            "django-template-partials: pip install 'django-tandem[partials]', INSTALLED_APPS += [\"template_partials\"]"
        )
    try:
        return get_template(partial)
    except TemplateDoesNotExist as error:
        raise ImproperlyConfigured(f"{{% live %}}: there is no template {partial!r}: {error}") from error


def _within_limit(block: Block, html: str) -> str:
    size, limit = len(html.encode()), conf.settings().max_publication_bytes
    if size > limit:
        raise PartialTooLarge(
            f"{block.partial} has {size} bytes, and {limit} are the most (TANDEM['max_publication_bytes']): show less, "
            "for example a page of the list"
        )
    return html


@contextlib.contextmanager
def _speaking(language: str, time_zone: str) -> Iterator[None]:
    """Speak as the page does, whatever the address of the fragment view says about it."""
    if (language, time_zone) == (translation.get_language(), timezone.get_current_timezone_name()):
        yield
        return
    try:
        zone = zoneinfo.ZoneInfo(time_zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):  # a fixed offset has a name too, but no zone
        zone = None
    with translation.override(language or None), timezone.override(zone) if zone else contextlib.nullcontext():
        yield
