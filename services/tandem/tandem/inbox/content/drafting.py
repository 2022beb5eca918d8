"""What a notification says, checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone
from django.utils.functional import Promise

from tandem.inbox.boxes import tenants
from tandem.inbox.content import kinds, links
from tandem.inbox.errors import InvalidNotification
from tandem.inbox.models import Message
from tandem.publication import encode_json

MAX_DATA_BYTES = 16_384
MAX_BODY = 10_000
_LENGTHS = {"title": 255, "body": MAX_BODY, "category": 50, "group": 255, "idempotency_key": 255}


def draft(
    kind: str,
    *,
    actor: Any = None,
    target: Any = None,
    title: str = "",
    body: str = "",
    url: str = "",
    data: Any = None,
    category: str | None = None,
    severity: str | None = None,
    group: str = "",
    idempotency_key: str | None = None,
    expires: datetime | timedelta | None = None,
    tenant: str = "",
) -> Message:
    """Return the message, not saved. Raises `InvalidNotification` naming the argument, or `UnknownKind`."""
    declared = kinds.find(kind)
    message = Message(
        kind=kind,
        tenant=tenants.check(tenant),
        title=text("title", title),
        body=text("body", body),
        url=links.check(url),
        data=checked_data(data),
        category=text("category", declared.category if category is None else category),
        severity=checked_severity(declared.severity if severity is None else severity),
        thread=text("group", group),
        idempotency_key=text("idempotency_key", idempotency_key) if idempotency_key is not None else None,
        expires_at=checked_expiry(expires),
        target_id="",
    )
    if message.idempotency_key == "":
        raise InvalidNotification("idempotency_key", "a text, or None: not an empty one")
    _set_actor(message, actor)
    _set_target(message, target)
    return message


def text(field: str, value: Any) -> str:
    """Return *value* as the text of *field*: no longer than it may be, without characters that no database keeps."""
    given = str(value) if isinstance(value, Promise) else value  # lazy: in the language of now
    if not isinstance(given, str):
        raise InvalidNotification(field, f"a text, not a {type(value).__name__}")
    if len(given) > _LENGTHS[field]:
        raise InvalidNotification(field, f"at most {_LENGTHS[field]} characters, not {len(given)}")
    if "\0" in given or any("\ud800" <= character <= "\udfff" for character in given):
        raise InvalidNotification(field, "a text without NUL and lone surrogates")
    return given


def checked_data(data: Any) -> Any:
    """Return *data*, which is JSON of at most `MAX_DATA_BYTES`."""
    try:
        encoded = encode_json(data)
    except (ValueError, TypeError) as error:
        raise InvalidNotification("data", f"not JSON: {error}") from error
    if len(encoded) > MAX_DATA_BYTES:
        raise InvalidNotification("data", f"at most {MAX_DATA_BYTES} bytes as JSON, not {len(encoded)}")
    if b"\\u0000" in encoded:
        raise InvalidNotification("data", "PostgreSQL keeps no \\u0000")
    return msgspec.json.decode(encoded)  # as it will be read: a date is a text by now


def checked_severity(severity: str) -> str:
    """Return *severity*, one of `Message.Severity`."""
    if severity not in Message.Severity.values:
        raise InvalidNotification("severity", f"{', '.join(Message.Severity.values)}, not {severity!r}")
    return severity


def checked_expiry(expires: datetime | timedelta | None) -> datetime | None:
    """Return when it expires: *expires*, or so long from now."""
    if expires is None:
        return None
    moment = timezone.now() + expires if isinstance(expires, timedelta) else expires
    if not isinstance(moment, datetime):
        raise InvalidNotification("expires", f"a datetime or a timedelta, not a {type(expires).__name__}")
    if timezone.is_naive(moment):
        raise InvalidNotification("expires", "a datetime with a time zone")
    if moment <= timezone.now():
        raise InvalidNotification("expires", "in the future")
    return moment


def display_name(user: Any) -> str:
    """Return what others see of *user*: his full name, or what he logs in with."""
    full_name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return str(full_name or user.get_username())[:255]


def _set_actor(message: Message, actor: Any) -> None:
    if actor is None:
        return
    if isinstance(actor, str):
        message.actor_name = actor[:255]
    elif isinstance(actor, get_user_model()) and actor.pk is not None:
        message.actor = actor
        message.actor_name = display_name(actor)
    else:
        raise InvalidNotification("actor", f"a user who is saved, or a name, not a {type(actor).__name__}")


def _set_target(message: Message, target: Any) -> None:
    if target is None:
        return
    if not isinstance(target, Model) or target.pk is None:
        raise InvalidNotification("target", f"a model's instance that is saved, not a {type(target).__name__}")
    message.target_type = ContentType.objects.get_for_model(target, for_concrete_model=False)
    message.target_id = str(target.pk)
    message.target_name = str(target)[:255]


def changes_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked fields of an edit: any of title, body, url, data, severity."""
    checks = {
        "title": lambda value: text("title", value),
        "body": lambda value: text("body", value),
        "url": links.check,
        "data": checked_data,
        "severity": checked_severity,
    }
    if unknown := [name for name in given if name not in checks]:
        raise InvalidNotification(unknown[0], f"cannot be edited: {', '.join(checks)} can")
    return {name: checks[name](value) for name, value in given.items()}
