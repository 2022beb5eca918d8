"""A client in the test's own process, with the permissions of a user. Nothing runs beside the test."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import AnonymousUser

from tandem import conf, streams
from tandem.auth import permissions
from tandem.auth.errors import NotSignedIn, Refused
from tandem.auth.identity import Identity, identify
from tandem.publication import Position
from tandem.testing.recorder import Recorder, current


class NotAllowed(AssertionError):
    """The user may not do that. A test that expects it says so: ``with pytest.raises(NotAllowed)``."""


class Subscription:
    """What a client hears of one channel. `position` is where it stands."""

    def __init__(self, channel: str, recorder: Recorder, since: Position | None) -> None:
        self.channel = channel
        self._recorder = recorder
        self._next = len(recorder.sent)
        found = streams.history(channel, since=since, limit=0 if since is None else -1)
        self._missed: list[Any] = [json.loads(each.data) for each in found.publications]
        self.position = found.position

    def receive(self) -> list[Any]:
        """
        Return the data of every publication that came since the last call, in order.

        What `publish_on_commit` wrote comes with the commit: in a ``TestCase``, after
        ``with self.captureOnCommitCallbacks(execute=True)``.
        """
        missed, self._missed = self._missed, []
        new, self._next = self._recorder.sent[self._next :], len(self._recorder.sent)
        ours = [each for each in new if each.channel == self.channel]
        if ours and ours[-1].offset:
            self.position = Position(ours[-1].epoch, ours[-1].offset)
        return missed + [json.loads(each.data) for each in ours]


class Client:
    """
    A browser of *who*: a user, a request, or None for somebody anonymous.

    It asks the functions of ``@tandem.channel`` and the namespaces, as ``tandem.urls`` and the sockets do, and has the
    personal channels of its user from the beginning. Raises `NotAllowed` for a user who is not active.
    """

    def __init__(self, who: Any = None) -> None:
        self._recorder = current()
        self._identity = _identity_of(who)
        self.user_id = self._identity.user_id
        self.subscriptions: dict[str, Subscription] = {}
        for channel in conf.namespaces().personal_channels(self.user_id) if self.user_id else ():
            self.subscriptions[channel] = Subscription(channel, self._recorder, None)

    def subscribe(self, channel: str, *, since: Position | None = None) -> Subscription:
        """
        Hear *channel* from now on, or from the position *since*.

        Raises `NotAllowed`, `UnrecoverablePosition`, and what a permission function raises.
        """
        try:
            permissions.ask(self._identity, channel)
        except Refused as error:
            raise NotAllowed(f"{self.user_id or 'somebody anonymous'} may not hear {channel}: {error}") from error
        subscription = self.subscriptions[channel] = Subscription(channel, self._recorder, since)
        return subscription

    def unsubscribe(self, channel: str) -> None:
        """Hear *channel* no more."""
        del self.subscriptions[channel]


def _identity_of(who: Any) -> Identity:
    is_request = hasattr(who, "META")
    user = (getattr(who, "user", None) if is_request else who) or AnonymousUser()
    if not user.is_authenticated:  # without a token, as every page may connect
        return Identity(user, who if is_request else None)
    try:
        return identify(who)
    except NotSignedIn as error:
        raise NotAllowed(str(error)) from error
