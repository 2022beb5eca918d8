"""A client in the test's own process, with the permissions of a user. Nothing runs beside the test."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from django.contrib.auth.models import AnonymousUser

from tandem import conf, control, revocations, streams
from tandem.auth import permissions
from tandem.auth.errors import NotSignedIn, Refused
from tandem.auth.identity import Identity, identify
from tandem.publication import Position, Publication
from tandem.revocations import Revocation
from tandem.testing.recorder import current

ENDED = 3500
INVALIDATED = 3005
"""Codes of the protocol: the connection is over, and come back with a new token."""


class NotAllowed(AssertionError):
    """The user may not do that. A test that expects it says so: ``with pytest.raises(NotAllowed)``."""


class Subscription:
    """What a client hears of one channel, until it `is_ended`. `position` is where it stands."""

    def __init__(self, client: Client, channel: str, since: Position | None) -> None:
        self.channel = channel
        self.is_ended = False
        self._client = client
        found = streams.history(channel, since=since, limit=0 if since is None else -1)
        self._received: list[Any] = [json.loads(each.data) for each in found.publications]
        self.position = found.position

    def receive(self) -> list[Any]:
        """
        Return the data of every publication that came since the last call, in order.

        What `publish_on_commit` wrote comes with the commit: in a ``TestCase``, after
        ``with self.captureOnCommitCallbacks(execute=True)``.
        """
        self._client.hear()
        received, self._received = self._received, []
        return received

    def take(self, publication: Publication) -> None:
        """Keep one publication for `receive`."""
        self._received.append(json.loads(publication.data))
        if publication.offset:
            self.position = Position(publication.epoch, publication.offset)


class Client:
    """
    A browser of *who*: a user, a request, or None for somebody anonymous.

    It asks the functions of ``@tandem.channel`` and the namespaces, as ``tandem.urls`` and the sockets do, and has the
    personal channels of its user from the beginning. It obeys what ends connections and subscriptions: a logout, a
    deactivation, `tandem.revoke`, `tandem.control`. Raises `NotAllowed` for a user who is not active.
    """

    def __init__(self, who: Any = None) -> None:
        self._recorder = current()
        self._next = len(self._recorder.heard)
        self._identity = _identity_of(who)
        self._closed_with: int | None = None
        self.user_id = self._identity.user_id
        self.subscriptions: dict[str, Subscription] = {}
        for channel in conf.namespaces().personal_channels(self.user_id) if self.user_id else ():
            self.subscriptions[channel] = Subscription(self, channel, None)

    @property
    def closed_with(self) -> int | None:
        """The code with which the server ended the connection, such as 3500 at a logout; None while it is open."""
        self.hear()
        return self._closed_with

    def subscribe(self, channel: str, *, since: Position | None = None) -> Subscription:
        """
        Hear *channel* from now on, or from the position *since*.

        Raises `NotAllowed`, also once the connection has ended; `UnrecoverablePosition`, and what a permission function
        raises.
        """
        if self.closed_with is not None:
            raise NotAllowed(f"the connection was ended with {self.closed_with}")
        try:
            permissions.ask(self._identity, channel)
        except Refused as error:
            raise NotAllowed(f"{self.user_id or 'somebody anonymous'} may not hear {channel}: {error}") from error
        subscription = self.subscriptions[channel] = Subscription(self, channel, since)
        return subscription

    def unsubscribe(self, channel: str) -> None:
        """Hear *channel* no more."""
        self.hear()
        self._end(channel)

    def hear(self) -> None:
        """Take what came since the last call."""
        new, self._next = self._recorder.heard[self._next :], len(self._recorder.heard)
        for publication in new:
            if self._closed_with is not None:
                return
            if publication.channel == control.CHANNEL:
                self._obey(msgspec.json.decode(publication.data, type=control.Message))
            elif publication.channel in self.subscriptions:
                self.subscriptions[publication.channel].take(publication)

    def _obey(self, message: control.Message) -> None:
        match message:
            case control.Revoke():
                for revocation in message.revocations:
                    self._lose(revocation)
            case control.Disconnect() if self._is_meant(message):
                self._close(message.code)
            case control.Unsubscribe() if self._is_meant(message):
                self._end(message.channel)

    def _lose(self, revocation: Revocation) -> None:
        user = self.user_id
        if revocation.generation > self._identity.generation:
            if revocation.subject == revocations.of_password(user):
                self._close(INVALIDATED)
            elif revocation.subject == revocations.of_user(user):
                self._close(ENDED)
        if self._identity.login and revocation.subject == revocations.of_login(self._identity.login):
            self._close(ENDED)
        for channel in list(self.subscriptions):
            if revocation.subject == revocations.of_channel(channel, user):
                self._end(channel)

    def _is_meant(self, message: control.Aimed) -> bool:
        """Tell whether *message* is for this user, or this login; a client's id is known to sockets alone."""
        return not message.client and (message.user, message.session) in (
            (self.user_id, ""),
            ("", self._identity.login),
            (self.user_id, self._identity.login),
        )

    def _close(self, code: int) -> None:
        self._closed_with = code
        for channel in list(self.subscriptions):
            self._end(channel)

    def _end(self, channel: str) -> None:
        if subscription := self.subscriptions.pop(channel, None):
            subscription.is_ended = True


def _identity_of(who: Any) -> Identity:
    is_request = hasattr(who, "META")
    user = (getattr(who, "user", None) if is_request else who) or AnonymousUser()
    if not user.is_authenticated:  # without a token, as every page may connect
        return Identity(user, who if is_request else None)
    try:
        return identify(who)
    except NotSignedIn as error:
        raise NotAllowed(str(error)) from error
