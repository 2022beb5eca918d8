"""The test kit, used as a team uses it: in a ``TestCase``, in pytest, without a Redis anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase

import tandem
from rig.overrides import override_tandem
from tandem import conf, control
from tandem.auth import permissions
from tandem.publication import Position
from tandem.testing import (
    Client,
    NotAllowed,
    Published,
    Recorder,
    TandemMixin,
    assert_not_published,
    assert_published,
    memory,
    published,
)

Users = get_user_model


class InTestCase(TandemMixin, TestCase):
    """The transaction of the test never commits."""

    def test_what_is_published_on_commit_is_seen(self) -> None:
        """Without ``transaction=True``."""
        tandem.publish_on_commit("kept:a", {"n": 1}, tags={"k": "v"})

        assert self.published("kept:a") == [Published("kept:a", {"n": 1}, {"k": "v"})]
        assert self.published("kept:b") == []

    def test_what_a_savepoint_rolled_back_is_gone(self) -> None:
        """What came before and after it stays, in its order."""
        tandem.publish_on_commit("kept:a", 1)
        with transaction.atomic():
            tandem.publish_on_commit("kept:a", 2)
            transaction.set_rollback(True)
        tandem.publish_on_commit("kept:a", 3)

        assert [each.data for each in self.published()] == [1, 3]

    def test_what_is_published_at_once_is_seen(self) -> None:
        """No rollback takes it back."""
        tandem.publish("live:a", 1)

        self.assert_published("live:a", 1, times=1)

    def test_commit_reaches_a_client(self) -> None:
        """Django's own way to run what a commit would; then it is not counted twice."""
        client = self.tandem_client(Users().objects.create_user("ada"))
        subscription = client.subscribe("public:a")
        with self.captureOnCommitCallbacks(execute=True):
            tandem.publish_on_commit("public:a", {"n": 1})
        heard = subscription.receive()

        assert heard == [{"n": 1}]
        assert subscription.receive() == []
        self.assert_published("public:a", times=1)


class InTransactionTestCase(TandemMixin, TransactionTestCase):
    """Here transactions commit."""

    def test_commit_publishes(self) -> None:
        """Once."""
        tandem.publish_on_commit("kept:a", 1)

        self.assert_published("kept:a", 1, times=1)


class InSimpleTestCase(TandemMixin, SimpleTestCase):
    """Here no database may be asked."""

    def test_no_query_is_made(self) -> None:
        """And every test begins with nothing."""
        self.assert_not_published()
        tandem.publish("kept:a", 1)
        self.assert_published("kept:a")


def test_fixture_needs_no_database(published: Callable[..., list[Published]]) -> None:
    """The namespace may have no history."""
    position = tandem.publish("live:a", 1)

    assert position == Position("", 0)
    assert published() == [Published("live:a", 1, {})]


def test_redis_of_the_environment_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's shell, or CI, may name one."""
    monkeypatch.setenv("TANDEM_REDIS_URLS", "redis://nowhere.invalid:1")
    with memory():
        assert conf.redis_urls() == ("memory://",)
        tandem.publish("kept:a", 1)


def test_assertions_say_what_was_published(tandem_memory: Recorder) -> None:
    """Instead of what was expected."""
    tandem.publish("kept:a", {"n": 1})
    with pytest.raises(AssertionError, match=r"expected a publication of 2 in kept:a, found 0\. .*'n': 1"):
        assert_published("kept:a", 2)
    with pytest.raises(AssertionError, match=r"nothing there; elsewhere .*kept:a"):
        assert_published("kept:b")
    with pytest.raises(AssertionError, match="expected nothing"):
        assert_not_published()


def test_nothing_records_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgot to ask for it is told what to ask for."""
    with pytest.raises(RuntimeError, match="TandemMixin"):
        published()


def test_client_is_refused_where_the_socket_would_be(tandem_memory: Recorder) -> None:
    """Of a namespace that lets nobody in; one that is unknown."""
    with pytest.raises(NotAllowed, match="somebody anonymous may not hear kept:a"):
        Client().subscribe("kept:a")
    with pytest.raises((tandem.errors.UnknownNamespace, NotAllowed)):
        Client().subscribe("nothing:a")


@pytest.mark.django_db
def test_client_has_its_personal_channels(tandem_client: Callable[..., Client]) -> None:
    """As at connect."""
    ada = Users().objects.create_user("ada")
    client, other = tandem_client(ada), tandem_client(Users().objects.create_user("bob"))
    mine = f"notifications:#{ada.pk}"
    tandem.publish(mine, "hello")

    assert client.subscriptions[mine].receive() == ["hello"]
    with pytest.raises(NotAllowed):
        other.subscribe(mine)


@pytest.mark.django_db
def test_client_asks_the_permission_functions(
    tandem_client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whoever wrote the pattern; who is anonymous is an `AnonymousUser`, as in a request."""
    monkeypatch.setattr(permissions, "_permissions", {})
    monkeypatch.setattr(conf, "_of_patterns", {})
    ada, bob = (Users().objects.create_user(name) for name in ("ada", "bob"))

    @tandem.channel("parcel:{owner:int}")
    def may_hear(user: Any, owner: int) -> bool:
        return bool(user.is_authenticated and user.pk == owner)

    tandem_client(ada).subscribe(f"parcel:{ada.pk}")
    with pytest.raises(NotAllowed, match=f"{bob.pk} may not hear parcel:{ada.pk}"):
        tandem_client(bob).subscribe(f"parcel:{ada.pk}")
    with pytest.raises(NotAllowed):
        tandem_client().subscribe(f"parcel:{ada.pk}")


@pytest.mark.django_db(transaction=True)
def test_client_obeys_what_is_revoked(tandem_client: Callable[..., Client], published: Callable[..., Any]) -> None:
    """One channel, or all of a user's, and nobody else's; nothing of that counts as published."""
    ada, ben = (Users().objects.create_user(name, password="a long one") for name in ("ada", "ben"))
    hers, his = tandem_client(ada), tandem_client(ben)
    one, other = hers.subscribe("public:one"), hers.subscribe("public:other")
    tandem.publish("public:one", 1)
    tandem.revoke(ada, "public:one")
    tandem.publish("public:one", 2)
    tandem.publish("public:other", 3)

    assert (one.receive(), one.is_ended, other.receive(), hers.closed_with) == ([1], True, [3], None)

    tandem.revoke(ada)
    tandem.publish("public:other", 4)

    assert (hers.closed_with, other.is_ended, other.receive(), his.closed_with) == (3500, True, [], None)
    with pytest.raises(NotAllowed, match="ended with 3500"):
        hers.subscribe("public:other")
    assert tandem_client(ada).closed_with is None
    assert [each.data for each in published()] == [1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_client_obeys_the_login(tandem_client: Callable[..., Client]) -> None:
    """A password change asks to come back, a deactivation ends, `control` reaches whom it names."""
    ada = Users().objects.create_user("ada", password="a long one")
    first, second = tandem_client(ada), tandem_client(Users().objects.create_user("ben"))
    ada.set_password("another long one")
    ada.save()
    third = tandem_client(ada)
    control.disconnect(user=second.user_id, code=4000)
    ada.is_active = False
    ada.save()

    assert (first.closed_with, second.closed_with, third.closed_with) == (3005, 4000, 3500)


@pytest.mark.django_db
def test_client_of_a_deactivated_user_is_refused(tandem_client: Callable[..., Client]) -> None:
    """As the token view refuses him."""
    ada = Users().objects.create_user("ada")
    Users().objects.update(is_active=False)

    with pytest.raises(NotAllowed, match="not active"):
        tandem_client(ada)


def test_client_recovers_from_a_position(tandem_client: Callable[..., Client]) -> None:
    """What was published between the row and the subscription."""
    read_at = tandem.position("public:a")
    tandem.publish("public:a", 1)
    subscription = tandem_client().subscribe("public:a", since=read_at)
    tandem.publish("public:a", 2)

    assert subscription.receive() == [1, 2]
    assert subscription.position == tandem.position("public:a")


TIMES = 50


@pytest.mark.parametrize("turn", range(TIMES))
def test_no_turn_sees_another(turn: int, published: Callable[..., list[Published]]) -> None:
    """The short form of the thousand."""
    _one_turn(turn, published)


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(1000))
def test_no_turn_of_a_thousand_sees_another(turn: int, published: Callable[..., list[Published]]) -> None:
    """Each begins empty and sees all of its own."""
    _one_turn(turn, published)


def _one_turn(turn: int, published: Callable[..., list[Published]]) -> None:
    client = Client()
    subscription = client.subscribe("public:a")
    with override_tandem(drain_seconds=turn + 1):  # settings that are read anew in between change nothing
        tandem.publish("public:a", turn)

    assert subscription.receive() == [turn]
    assert published() == [Published("public:a", turn, {})]
    assert subscription.position.offset == 1
