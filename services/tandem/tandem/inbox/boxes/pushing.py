"""What goes to the browsers: publications that are written in the transaction and sent when it commits."""

from __future__ import annotations

from typing import Any

import tandem
from tandem.auth.identity import id_of
from tandem.inbox.boxes import state, tenants
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.models import Board, Mailbox

OWN = "notifications:#"


def own_channel(user: Any) -> str:
    """Return the channel that only *user* hears."""
    return f"{OWN}{id_of(user)}"


def push(user: Any, kind: str, register: dict[str, Any], **more: Any) -> None:
    """Tell *user*, once this commits: *kind* is the publication's type, *register* his state."""
    tandem.publish_on_commit(own_channel(user), {"type": kind, "state": register, **more}, using=home())


def push_change(mailbox: Mailbox, user: Any, board: Board, kind: str, **more: Any) -> dict[str, Any]:
    """Tell *user* of a change in his *mailbox*, and return the state that he was told."""
    register = state.state_of(mailbox, board)
    push(user, kind, register, **more)
    return register


def push_everyone(board: Board, kind: str, **more: Any) -> None:
    """Tell everyone of *board*'s tenant, once this commits."""
    channel = tenants.shared_channel(board.tenant)
    tandem.publish_on_commit(channel, {"type": kind, "state": state.shared(board), **more}, using=home())
