"""Who is in which channel: told to Redis by each process, for those channels that want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from realtime.hub import Subscription
from tandem.namespaces import Namespace

if TYPE_CHECKING:
    from realtime.session.session import Session


class Presence:
    """Keeps presence of the sessions of this process."""

    def entered(self, session: Session, subscription: Subscription, namespace: Namespace) -> None:
        """Take note that a subscription has begun."""

    def left(self, session: Session, subscription: Subscription, *, is_final: bool) -> None:
        """Take note that it has ended; unless that *is_final*, the user may be back in a moment."""

    async def of(self, channel: str) -> dict[str, bytes]:
        """Return the client info, JSON, of every client in *channel*."""
        return {}

    async def stats(self, channel: str) -> tuple[int, int]:
        """Return how many clients and how many users are in *channel*."""
        return 0, 0
