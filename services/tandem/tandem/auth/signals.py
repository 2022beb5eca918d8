"""
What becomes of users and sessions, as Django tells it: what does not hold any more is revoked.

`connect` listens to the models of users and sessions alone: who listens to all of them takes Django's fast deletes from
a whole project. Django tells nothing of ``QuerySet.update``, of SQL, and of sessions that a cache forgets. That is seen
where the next token is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db.models.signals import post_delete, post_save, pre_save
from django.utils import timezone

from tandem.auth.identity import id_of
from tandem.auth.logins import SESSION_KEY, begin_login, hash_login
from tandem.auth.revoking import end_login, end_password, revoke

logger = logging.getLogger(__name__)

MAX_MOVED = 1000

_BEFORE = "_tandem_before"
_moved: dict[str, str] = {}
"""The key of the session that a login was last seen to move to, by login."""


def connect() -> None:
    """Begin to listen. Call it once every model is there; again is harmless."""
    user_logged_in.connect(_begin, dispatch_uid="tandem.auth.begin")
    user_logged_out.connect(_end, dispatch_uid="tandem.auth.end")
    for model in apps.get_models():
        if issubclass(model, get_user_model()):
            pre_save.connect(_remember, sender=model, dispatch_uid="tandem.auth.before")
            post_save.connect(_compare, sender=model, dispatch_uid="tandem.auth.after")
            post_delete.connect(_user_deleted, sender=model, dispatch_uid="tandem.auth.deleted")
        elif issubclass(model, AbstractBaseSession):
            post_save.connect(_session_moved, sender=model, dispatch_uid="tandem.auth.moved")
            post_delete.connect(_session_deleted, sender=model, dispatch_uid="tandem.auth.deleted")


def _begin(request: Any = None, **_: Any) -> None:
    if getattr(request, "session", None) is not None:
        begin_login(request.session)


def _end(request: Any = None, **_: Any) -> None:
    if (session := getattr(request, "session", None)) is not None and SESSION_KEY in session:
        end_login(hash_login(session[SESSION_KEY]))


# Users


def _remember(sender: type[Any], instance: Any, raw: bool = False, update_fields: Any = None, **_: Any) -> None:
    """Look at how the user stood, unless what is saved cannot matter."""
    cannot_matter = update_fields is not None and set(update_fields) <= {"last_login"}
    if raw or cannot_matter or instance._state.adding:
        return
    setattr(instance, _BEFORE, sender._base_manager.using(instance._state.db).filter(pk=instance.pk).first())


def _compare(instance: Any, **_: Any) -> None:
    before = instance.__dict__.pop(_BEFORE, None)
    if before is None:
        return
    if _is_active(before) and not _is_active(instance):
        _named(instance, revoke)
    elif _proof(before) != _proof(instance):
        _named(instance, end_password)


def _user_deleted(instance: Any, **_: Any) -> None:
    _named(instance, revoke)


def _is_active(user: Any) -> bool:
    return bool(getattr(user, "is_active", True))


def _proof(user: Any) -> str:
    return str(user.get_session_auth_hash()) if hasattr(user, "get_session_auth_hash") else ""


def _named(user: Any, end: Callable[[str], None]) -> None:
    try:
        user_id = id_of(user)
    except Exception:  # the project's own function, which may name a user only within a request
        logger.exception("auth.unnamed", extra={"user": str(user.pk)})
        return
    end(user_id)


# Sessions that are rows


def _session_moved(instance: Any, created: bool = False, **_: Any) -> None:
    """Remember where a login is now: a session gets another key by a new row and the end of the old one."""
    if created and (login := _login_in(instance)):
        _moved[login] = instance.session_key
        if len(_moved) > MAX_MOVED:
            del _moved[next(iter(_moved))]


def _session_deleted(instance: Any, **_: Any) -> None:
    if instance.expire_date <= timezone.now() or not (login := _login_in(instance)):
        return
    moved_to = _moved.get(login, instance.session_key)
    if moved_to == instance.session_key or not type(instance).objects.filter(session_key=moved_to).exists():
        _moved.pop(login, None)
        end_login(hash_login(login))


def _login_in(session: Any) -> str:
    try:
        login = session.get_decoded().get(SESSION_KEY, "")
    except Exception:  # a store of the project's own may keep something else there
        return ""
    return login if isinstance(login, str) else ""
