"""Notify: from sync or async code, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils.asyncio import async_unsafe

from tandem.inbox.boxes import mailboxes
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content import kinds
from tandem.inbox.content.drafting import draft
from tandem.inbox.elsewhere.announcements import hearers_of
from tandem.inbox.errors import InvalidNotification
from tandem.inbox.models import Message
from tandem.inbox.sending import announcing, bulk
from tandem.inbox.sending.delivering import deliver

EVERYONE = "everyone"
AT_ONCE = 100
"""So many recipients a message reaches in the caller's transaction; for more, the worker brings it to all."""


@async_unsafe("notify writes rows. In async code use anotify.")
def notify(users: Any, kind: str, **said: Any) -> Message:
    """
    Notify *users* of something of *kind*, if and when the current transaction commits.

    *users* is a user, several, a queryset, a group of `django.contrib.auth`, or `EVERYONE` of the tenant. What is
    *said*: `actor` (a user or a name), `target` (a model's instance), `title` and `body` (else the kind makes
    them), `url`, `data` (JSON), `category`, `severity`, `group` (one notification for all of it until it is read),
    `idempotency_key` (to nobody twice), `expires` (a datetime or a timedelta), `tenant`. Returns the message, by which
    it can be edited and retracted; a repeated key returns the first one. Raises `InvalidNotification`, which names what
    is wrong, with nothing written.
    """
    message = draft(kind, **said)
    recipients = everyone(message) if isinstance(users, str) and users == EVERYONE else _recipients(users)
    message.is_for_everyone = recipients is None
    with transaction.atomic(using=home()):
        message = save(message)
        if recipients is None:
            if announcing.announce(message) and (hearers := hearers_of(message)) is not None:
                bulk.start_query(message, hearers)
        elif isinstance(recipients, QuerySet):
            bulk.start_query(message, recipients)
        elif len(recipients) > AT_ONCE:
            bulk.start(message, recipients)
        else:
            deliver(message, recipients)
    return message


async def anotify(users: Any, kind: str, **said: Any) -> Message:
    """Do what `notify` does, from async code: in the thread where Django keeps async code's database."""
    return await sync_to_async(notify)(users, kind, **said)


def save(message: Message) -> Message:
    """Write *message* and return it; where there is one with the same idempotency key, return that."""
    if message.idempotency_key is None:
        message.save(using=home(), force_insert=True)
        return message
    rows = Message.objects.using(home())
    # Whoever writes the same key now waits here until the other transaction ends.
    rows.bulk_create([message], ignore_conflicts=True)
    return rows.get(tenant=message.tenant, idempotency_key=message.idempotency_key)


def everyone(message: Message) -> Collection[Any] | QuerySet[Any] | None:
    """
    Return who gets *message* for everyone: None where it is announced, each user where its kind asks for each.

    Raises `InvalidNotification` for what can be neither.
    """
    if message.thread:
        raise InvalidNotification("group", "announcements are not grouped")
    if not kinds.asks_each(kinds.find(message.kind)):
        return None
    if message.tenant:
        why = (
            f"who is of a tenant nobody can say, and {message.kind!r} has should_notify, which asks for each: name them"
        )
        raise InvalidNotification("users", why)
    return _recipients(mailboxes.everybody())


def _recipients(users: Any) -> Collection[Any] | QuerySet[Any]:
    """Return primary keys, each once; a queryset where there are more than reach it at once."""
    model = get_user_model()
    if isinstance(users, model):
        return [_key(users)]
    if apps.is_installed("django.contrib.auth"):
        from django.contrib.auth.models import Group  # there is such a model only where the app is

        if isinstance(users, Group):
            users = _members(users)
    if isinstance(users, QuerySet):
        if not issubclass(users.model, model):
            raise InvalidNotification("users", f"a queryset of {model.__name__}, not of {users.model.__name__}")
        few = list(dict.fromkeys(users.values_list("pk", flat=True)[: AT_ONCE + 1]))
        return users if len(few) > AT_ONCE else few
    if isinstance(users, str | bytes) or not isinstance(users, Iterable):
        raise InvalidNotification("users", f"a user, several, a queryset, a group or EVERYONE, not {users!r}")
    return list(dict.fromkeys(_key(each) for each in users))


def _members(group: Any) -> QuerySet[Any]:
    members: QuerySet[Any] = get_user_model()._default_manager.using(home()).filter(groups=group)
    return members


def _key(user: Any) -> Any:
    if not isinstance(user, get_user_model()) or user.pk is None:
        raise InvalidNotification("users", f"users who are saved, not {user!r}")
    return user.pk
