"""Who may hear the desk, and what presence shows of them there."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

import tandem

_HISTORY = {"history_size": 100, "history_ttl": 600, "recovery": True}


@tandem.channel("desk:{name}", presence=True, join_leave=True, **_HISTORY)
def desk(user: User, name: str) -> dict[str, Any] | bool:
    """Let in whoever is signed in; the others see the name."""
    if not user.is_authenticated:
        return False
    return {"name": user.get_short_name() or user.get_username()}
