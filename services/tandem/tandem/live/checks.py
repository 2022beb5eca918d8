"""The system check for pushed blocks: what pages show as HTML, no client may publish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from tandem import conf
from tandem.errors import UnknownNamespace
from tandem.live.sources import sources
from tandem.namespaces import namespace_name


@register("tandem")
def check_pushed(**_: Any) -> list[CheckMessage]:
    """Check the namespaces of pushed sources."""
    try:
        return list(_open_namespaces())
    except ImproperlyConfigured:
        return []  # said by tandem.checks


def _open_namespaces() -> Iterator[CheckMessage]:
    for source in sources():
        if not source.push or callable(source.channel):
            continue
        name = namespace_name(source.channel)
        try:
            namespace = conf.namespaces().of(f"{name}:x" if name else "x")
        except UnknownNamespace:
            continue
        if namespace.publish is not None:
            hint = f"Take 'publish' from the namespace {name!r}, or give the source a channel of another one."
            text = f"the live source {source.name!r} pushes HTML into a namespace where clients may publish"
            yield Error(text, hint=hint, id="tandem.E008")
        elif not namespace.has_history:
            hint = f"Give the namespace {name!r} history_size and history_ttl."
            text = f"the live source {source.name!r} pushes HTML into a namespace without history"
            yield Error(text, hint=hint, id="tandem.E009")
