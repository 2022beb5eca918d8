"""
The login that a session stands for: a random id of its own.

A session's key will not do: it changes at every login and password change, and a session in a signed cookie has none.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.contrib.auth import SESSION_KEY as USER_KEY

SESSION_KEY = "_tandem_login"


def begin_login(session: Any) -> str:
    """Return the id of *session*'s login, made now unless there is one."""
    found = session.get(SESSION_KEY)
    if not isinstance(found, str) or not found:
        found = session[SESSION_KEY] = secrets.token_urlsafe(16)
    return found


def login_of(request: Any) -> str:
    """Return what tokens say of the login of *request*; empty where it has no session."""
    session = getattr(request, "session", None)
    if session is None or USER_KEY not in session:  # logged in some other way, if at all
        return ""
    is_new = SESSION_KEY not in session
    login = begin_login(session)
    if is_new and session.session_key:
        # Saved at once: another request of the same session that made an id meanwhile would take this one's place.
        session.save()
    return hash_login(login)


def hash_login(login: str) -> str:
    """Return the ``sid`` of a login's id, from which the id cannot be told."""
    return hashlib.sha256(b"tandem.login:" + login.encode()).hexdigest()[:32]
