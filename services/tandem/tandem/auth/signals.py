"""What becomes of users and sessions, as Django tells it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from tandem.auth.logins import begin_login


@receiver(user_logged_in, dispatch_uid="tandem.auth.begin")
def _begin(request: Any = None, **_: Any) -> None:
    if getattr(request, "session", None) is not None:
        begin_login(request.session)
