"""The hub: the one object in a process that knows which local connections want which channel."""

from tandem_realtime.hub.hub import Hub
from tandem_realtime.hub.subscription import Subscription

__all__ = ["Hub", "Subscription"]
