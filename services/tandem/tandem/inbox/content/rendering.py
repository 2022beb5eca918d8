"""A notification as its reader sees it: texts in his language, addresses that are safe now."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.template import Context, Template
from django.utils import translation

from tandem import conf
from tandem.inbox.content import kinds, links
from tandem.inbox.errors import UnknownKind
from tandem.inbox.models import Announcement, Message, Notification
from tandem.repeats import Repeats

_repeats = Repeats(logging.getLogger("tandem.inbox"))

_MOST_LANGUAGES = 10


Words = dict[tuple[str, int], dict[str, str]]


def item_of(notification: Notification, language: str | None = None, known: Words | None = None) -> dict[str, Any]:
    """
    Return *notification*, whose message is loaded, as JSON for a reader of *language* (None: the active one).

    *known* are texts of the same message that were made before; what is made now joins them.
    """
    message, count = notification.message, notification.count
    if known is None or language is None:
        texts = words(message, count, language)
    elif (texts := known.get((language, count), {})) == {}:
        texts = known[language, count] = words(message, count, language)
    return {
        **_content(message),
        **texts,
        "id": str(notification.pk),
        "number": None,
        "version": [notification.version, 0],
        "order": notification.place,
        "category": notification.category,
        "count": notification.count,
        "created": _time(notification.created_at),
        "arrived": _time(notification.arrived_at),
        "expires": _time(notification.expires_at),
        "seen": notification.seen_at is not None,
        "read": notification.read_at is not None,
        "archived": notification.box == Notification.Box.ARCHIVE,
    }


def announcement_item(announcement: Announcement, language: str | None = None) -> dict[str, Any]:
    """Return *announcement*, whose message is loaded, as JSON for everyone: nobody has seen it."""
    return {
        **_content(announcement.message),
        **words(announcement.message, 1, language),
        "id": f"a{announcement.number}",
        "number": announcement.number,
        "version": [0, announcement.version],
        "order": announcement.number,
        "category": announcement.message.category,
        "count": 1,
        "created": _time(announcement.created_at),
        "arrived": _time(announcement.created_at),
        "expires": _time(announcement.expires_at),
        "seen": False,
        "read": False,
        "archived": False,
    }


def texts_of(message: Message) -> dict[str, dict[str, str]]:
    """Return title and body in the project's other languages, where they differ; none where it has very many."""
    languages = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
    if len(languages) > _MOST_LANGUAGES or not settings.USE_I18N:
        return {}
    usual = words(message, 1, settings.LANGUAGE_CODE)
    found = {code: words(message, 1, code) for code in languages}
    return {code: each for code, each in found.items() if each != usual}


def words(message: Message, count: int, language: str | None) -> dict[str, str]:
    """
    Return title and body in *language*: the message's own, else what the kind's templates make of it.

    A template that fails is logged, and the kind's label stands in its place.
    """
    if language is None:
        return _words(message, count)
    with translation.override(language):
        return _words(message, count)


def language_of(user: Any) -> str:
    """Return the language that *user* reads, as ``TANDEM["inbox_language"]`` says."""
    function = conf.function_of("inbox_language")
    return str((function(user) if function else "") or settings.LANGUAGE_CODE)


def _words(message: Message, count: int) -> dict[str, str]:
    try:
        kind = kinds.find(message.kind)
    except UnknownKind:  # it was declared once
        return {"title": message.title or message.kind, "body": message.body}
    try:
        return {
            "title": message.title or _filled(kind.title, message, count) or str(kind.label or kind.name),
            "body": message.body or _filled(kind.body, message, count),
        }
    except Exception as error:  # the project's template, whatever it does: one reader's, and not everybody's
        _repeats.error(
            "inbox.template",
            f"{kind.name} {translation.get_language()}",
            kind=kind.name,
            language=translation.get_language(),
            reason=f"{type(error).__name__}: {error}",
        )
        return {"title": message.title or kind.name, "body": message.body}


def _filled(template: Any, message: Message, count: int) -> str:
    text = str(template)
    if "{" not in text:
        return text
    context = {
        "actor": message.actor_name,
        "target": message.target_name,
        "data": message.data,
        "count": count,
        "others": count - 1,
    }
    # Text, and no HTML: the page shows it as such.
    return Template("{% load i18n %}" + text).render(Context(context, autoescape=False)).strip()


def _content(message: Message) -> dict[str, Any]:
    return {
        "kind": message.kind,
        "severity": message.severity,
        "url": links.shown(message.url),
        "actor": message.actor_name,
        "target": message.target_name,
        "thread": message.thread,
        "data": message.data,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
