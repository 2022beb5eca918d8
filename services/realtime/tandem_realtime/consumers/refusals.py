"""What the log is told of clients that are refused before they have a session: where they come from, and why."""

from __future__ import annotations

from typing import Any

from tandem_realtime.observing.connection_log import REFUSED, log

WRONG_ORIGIN = "permission denied: this origin may not connect"


def address_of(scope: dict[str, Any]) -> str:
    """Return the address of the client, empty where there is none: behind a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def refused(scope: dict[str, Any], reason: str, *, user: str = "", **more: Any) -> None:
    """Tell the log that a client was refused at a path."""
    log.tell(REFUSED, reason, user=user, address=address_of(scope), path=scope["path"], **more)


def origin_of(scope: dict[str, Any]) -> str:
    """Return the Origin that a request names."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), "")
