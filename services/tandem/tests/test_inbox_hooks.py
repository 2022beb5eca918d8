"""What a project hooks in: who is to be notified, and what to do after the commit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

import tandem.inbox
from tandem.inbox import EVERYONE, Kind, announced, notified, notify, retract, retracted
from tandem.inbox.content import kinds
from tests.inboxes import titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


@pytest.fixture
def heard() -> Iterator[list[tuple[str, Any]]]:
    """What the signals told."""
    told: list[tuple[str, Any]] = []

    def hear_notified(message: Any, recipients: list[Any], **_: Any) -> None:
        told.append(("notified", sorted(recipients)))

    def hear_announced(message: Any, **_: Any) -> None:
        told.append(("announced", message.title))

    def hear_retracted(message: Any, **_: Any) -> None:
        told.append(("retracted", message.title))
        raise RuntimeError("a receiver that fails")

    receivers = ((notified, hear_notified), (announced, hear_announced), (retracted, hear_retracted))
    for signal, receiver in receivers:
        signal.connect(receiver)
    yield told
    for signal, receiver in receivers:
        signal.disconnect(receiver)


def test_signals_come_after_the_commit(heard: list[tuple[str, Any]]) -> None:
    """Once each, and none of what is rolled back; a receiver that fails is no failure of the caller's."""
    ann, bob = user("ann"), user("bob")
    with transaction.atomic():
        notify([ann, bob], "order.shipped", title="both")
        notify(EVERYONE, "order.shipped", title="all")
        inside = list(heard)
    with transaction.atomic():
        notify(ann, "order.shipped", title="never")
        transaction.set_rollback(True)
    retract(notify(ann, "order.shipped", title="wrong"))

    assert inside == []
    assert heard == [
        ("notified", [ann.pk, bob.pk]),
        ("announced", "all"),
        ("notified", [ann.pk]),
        ("retracted", "wrong"),
    ]


def test_kind_says_who_is_to_be_notified() -> None:
    """Each is asked for; what it raises, the caller gets, with nothing written."""

    @tandem.inbox.kind("choosy")
    class _Choosy(Kind):
        def should_notify(self, recipient: Any, message: Any) -> bool:
            if message.data == "fail":
                raise LookupError("no")
            return bool(recipient.username != "bob")

    ann, bob = user("ann"), user("bob")
    notify([ann, bob], "choosy", title="who wants it")
    with pytest.raises(LookupError):
        notify([ann, bob], "choosy", title="fails", data="fail")
    kinds.forget("choosy")

    assert (titles(ann), titles(bob)) == (["who wants it"], [])


def test_kind_that_cannot_be_is_refused_where_it_is_declared() -> None:
    """A misspelled attribute, a second class of the name, a severity that is none."""
    with pytest.raises(TypeError, match="has no 'titel': did you mean 'title'"):

        @tandem.inbox.kind("misspelled")
        class _Misspelled:
            titel = "x"

    with pytest.raises(ValueError, match=r"kind 'order\.shipped' is declared by tests\.inboxes\.OrderShipped too"):

        @tandem.inbox.kind("order.shipped")
        class _Second:
            title = "x"

    with pytest.raises(ValueError, match="severity is info, success, warning or error, not 'fatal'"):

        @tandem.inbox.kind("fatal")
        class _Fatal:
            severity = "fatal"
