"""The ways a notification takes: into the inbox, by email, and what a team adds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from django.utils.translation import pgettext_lazy

INBOX = "inbox"
EMAIL = "email"

F = TypeVar("F", bound=Callable[..., Any])


class Medium(NamedTuple):
    """One way. `send` gets an `Outgoing` and raises what goes wrong, and is asked again; `after` is for the unseen."""

    name: str
    label: Any
    send: Callable[[Any], object] | None
    after: timedelta | None = None


_media: dict[str, Medium] = {
    INBOX: Medium(INBOX, pgettext_lazy("inbox", "In-app"), None),
    EMAIL: Medium(EMAIL, pgettext_lazy("inbox", "Email"), None),
}


def medium(name: str, *, label: Any = "", after: timedelta = timedelta()) -> Callable[[F], F]:
    """
    Have notifications sent by a function of the project too, for kinds and users that want it.

    The worker calls it with an `Outgoing` (`recipient`, `title`, `body`, `url`, `message`, `name`), *after* that time
    unless it was seen meanwhile, and again if it raises; `name` is the same each time, so that a repeat can be told.
    """
    if not name.isidentifier() or len(name) > 32 or name in (INBOX, EMAIL):
        raise ValueError(f"a medium's name is an identifier of at most 32 characters, not {name!r}")

    def register(send: F) -> F:
        _media[name] = Medium(name, label or name.capitalize(), send, after)
        return send

    return register


def declared() -> dict[str, Medium]:
    """Return every medium by its name, the inbox first."""
    return _media


def forget(name: str) -> None:
    """Take a medium back: for tests."""
    _media.pop(name, None)
