"""The hub: the one object in a process that knows which local connections want which channel."""

from realtime.hub.hub import Hub
from realtime.hub.subscription import Subscription

__all__ = ["Hub", "Subscription"]
