"""What this process cannot vouch for: channels whose Redis is out of reach. Their subscribers are told, both ways."""

from __future__ import annotations

from collections.abc import Iterable

from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.hub.subscription import Subscription


class Certainty:
    """
    Which channels are in doubt. Whoever subscribes to one is told, and told again when it is sure.

    A channel is sure after a position check, unless nothing can be heard of it at the time.
    """

    def __init__(self) -> None:
        self._doubted: set[LiveChannel] = set()
        self._unheard: set[LiveChannel] = set()

    def is_doubted(self, channel: LiveChannel) -> bool:
        """Tell whether *channel* may have more than was heard of it."""
        return channel in self._doubted

    def lost(self, channels: Iterable[LiveChannel]) -> None:
        """Take note that nothing can be heard of *channels*, until they are `restored`."""
        for channel in channels:
            self._unheard.add(channel)
            self.doubt(channel)

    def restored(self, channels: Iterable[LiveChannel]) -> None:
        """Take note that *channels* can be heard again: what is missing, a position check will show."""
        self._unheard.difference_update(channels)

    def doubt(self, channel: LiveChannel) -> None:
        """Tell everyone in *channel* that it may have more than was heard of it."""
        if channel not in self._doubted:
            self._doubted.add(channel)
            for subscription in channel.subscriptions:
                subscription.owner.trust_changed(subscription, is_sure=False)

    def vouch(self, channel: LiveChannel) -> None:
        """Tell everyone in *channel* that they have all that there is."""
        if channel in self._doubted and channel not in self._unheard:
            self._doubted.discard(channel)
            for subscription in channel.subscriptions:
                subscription.owner.trust_changed(subscription, is_sure=True)

    def remind(self, channel: LiveChannel, subscription: Subscription) -> None:
        """Tell one that has come while *channel* was in doubt."""
        if channel in self._doubted and subscription in channel.writers.get(subscription.encoding, ()):
            subscription.owner.trust_changed(subscription, is_sure=False)

    def forget(self, channel: LiveChannel) -> None:
        """Take note that nobody wants *channel* any more."""
        self._doubted.discard(channel)
        self._unheard.discard(channel)
