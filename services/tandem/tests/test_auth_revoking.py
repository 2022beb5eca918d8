"""What no longer holds: which of Django's news end what, and how Redis comes to know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.test import Client, override_settings
from django.utils import timezone

import tandem
import tandem.streams
from rig.overrides import override_tandem
from rig.servers import RedisServer, free_port
from tandem import conf, control, revocations
from tandem.auth import connection_token_for, revoke_token
from tandem.auth.logins import SESSION_KEY, hash_login
from tandem.auth.revoking import refill
from tandem.errors import RedisUnavailable
from tandem.models import OutboxEntry, Revocation
from tandem.outbox import send_left_over
from tandem.revocations import of_channel, of_login, of_password, of_token, of_user
from tandem.scripts import Call
from tandem.shards import shards
from tandem.tokens import Verifier

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def redis(redis_url: str) -> Iterator[None]:
    with override_tandem(redis_urls=[redis_url]):
        yield


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="secret")


@pytest.fixture
def client(ada: User) -> Client:
    return signed_in()


def signed_in() -> Client:
    client = Client()
    client.post("/in/", {"name": "ada", "password": "secret"})
    return client


def kept() -> dict[str, int]:
    """What Redis keeps."""
    page = revocations.parse_page(shards().run(control.CHANNEL, revocations.page_call()))
    return {each.subject: each.generation for each in page.revocations}


def rows() -> dict[str, int]:
    return dict(Revocation.objects.values_list("subject", "generation"))


def login_of(client: Client) -> str:
    return hash_login(client.session[SESSION_KEY])


def generation_in(user: User) -> int:
    return Verifier(conf.verifying_keys()).connection(connection_token_for(user)).gen


def test_revoke_counts_up(ada: User) -> None:
    """Tokens made before have a lower generation than what is kept, those made after have not."""
    before = generation_in(ada)
    tandem.revoke(ada)
    after = generation_in(ada)
    tandem.revoke(ada, "order:7")

    assert (before, after, generation_in(ada)) == (0, 1, 2)
    assert kept() == rows() == {of_user(str(ada.pk)): 1, of_channel("order:7", str(ada.pk)): 2}


def test_revoke_takes_the_text_that_tokens_say() -> None:
    """For those who keep users elsewhere."""
    tandem.revoke("acme/7")

    assert kept() == {of_user("acme/7"): 1}


async def test_revoke_has_a_twin_for_async_code(ada: User) -> None:
    """The row is there when it returns."""
    await tandem.arevoke(ada)

    assert await Revocation.objects.aget() is not None


def test_rolled_back_revokes_nothing(ada: User) -> None:
    """What was not committed did not happen, and within a transaction nobody is told yet."""
    with transaction.atomic():
        tandem.revoke(ada)
        early = kept()
        transaction.set_rollback(True)

    assert (early, kept(), rows(), generation_in(ada)) == ({}, {}, {}, 0)


def test_logout_ends_its_login_alone(client: Client) -> None:
    """Another session of the same user stays."""
    other, login = signed_in(), login_of(client)
    client.post("/out/")

    assert kept() == {of_login(login): 1}
    assert login != login_of(other)


@pytest.mark.parametrize("engine", ["cache", "cached_db", "file", "signed_cookies"])
def test_logout_ends_every_kind_of_session(ada: User, engine: str) -> None:
    """Also one in a cookie, which cannot be taken back."""
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
        client = signed_in()
        login = login_of(client)
        client.post("/out/")

    assert of_login(login) in kept()


def test_password_change_ends_what_it_was_good_for(client: Client, ada: User) -> None:
    """By the user's own view, whose session goes on under another key: its login has not ended."""
    client.post("/password/", {"password": "changed"})

    assert kept() == {of_password(str(ada.pk)): 1}
    assert client.post("/realtime/token/").status_code == 200


@pytest.mark.parametrize("hash_of_it", [True, False])
def test_new_hash_of_the_same_password_counts_as_django_counts_it(ada: User, hash_of_it: bool) -> None:
    """A session that Django ends must not keep a socket; one that stays must not lose it."""
    if hash_of_it:
        ada.set_password("secret")
    ada.email = "ada@example.com"
    ada.save()

    assert kept() == ({of_password(str(ada.pk)): 1} if hash_of_it else {})


def test_deactivation_and_deletion_end_the_user(ada: User) -> None:
    """For good; activated again, the user gets tokens that are good."""
    name = str(ada.pk)
    ada.is_active = False
    ada.save(update_fields=["is_active"])
    deactivated = kept()
    ada.is_active = True
    ada.save()
    again = generation_in(ada)
    ada.delete()

    assert (deactivated, again, kept()) == ({of_user(name): 1}, 1, {of_user(name): 2})


def test_what_changes_nothing_costs_nothing(ada: User, django_assert_num_queries: Any) -> None:
    """A login writes when it was; a new user was never logged in."""
    with django_assert_num_queries(1):
        ada.save(update_fields=["last_login"])
    with django_assert_num_queries(1):
        User.objects.create(username="new")

    assert kept() == {}


def test_other_models_are_not_listened_to() -> None:
    """Django deletes a model's rows in one statement only where nobody hears of each."""
    assert not any(signal.has_listeners(Group) for signal in (pre_save, post_save, pre_delete, post_delete))


def test_session_that_is_deleted_ends_its_login(client: Client) -> None:
    """Whoever deletes it; one that had run out has nothing left to end."""
    other, old = signed_in(), signed_in()
    logins = [login_of(each) for each in (client, other, old)]
    Session.objects.get(session_key=client.session.session_key).delete()
    other.session.flush()
    Session.objects.filter(session_key=old.session.session_key).update(expire_date=timezone.now() - timedelta(1))
    Session.objects.filter(expire_date__lt=timezone.now()).delete()

    assert kept() == {of_login(login): 1 for login in logins[:2]}


def test_session_that_moved_on_ends_where_it_is(client: Client) -> None:
    """After another key, the old one's end is none; the new one's is."""
    login = login_of(client)
    client.post("/password/", {"password": "changed"})
    moved = kept()
    Session.objects.get(session_key=client.session.session_key).delete()

    assert of_login(login) not in moved
    assert of_login(login) in kept()


def test_user_who_cannot_be_named_is_told_and_does_not_break_the_project(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    """A function that wants a request cannot say whom a change of the row concerns: the next token tells."""
    with override_tandem(user_id=lambda user, request: request.tenant):
        ada.set_password("changed")
        ada.save()

    assert kept() == {}
    assert "auth.unnamed" in caplog.text


def test_one_token(ada: User) -> None:
    """By its id; the user's others stay good."""
    token = connection_token_for(ada)
    revoke_token(token)

    [subject] = kept()
    assert subject == of_token(Verifier(conf.verifying_keys()).connection(token).jti, str(ada.pk))


def test_what_redis_could_not_take_is_told_when_it_is_back(ada: User, redis_url: str) -> None:
    """The worker finds the row; nobody who logs out sees an error."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        tandem.revoke(ada)
    before = kept()
    told = refill()

    assert (before, told >= 1, kept()) == ({}, True, {of_user(str(ada.pk)): 1})
    assert refill() == 0


def test_emptied_redis_is_refilled(ada: User, own_redis: RedisServer) -> None:
    """From the rows, and the processes are told to read it again."""
    with override_tandem(redis_urls=[own_redis.url]):
        refill()
        tandem.revoke(ada)
        shards().commands(0, [("FLUSHALL",)])
        emptied = kept()
        refill()
        refilled = kept()
        [publication] = tandem.streams.history(control.CHANNEL, limit=10).publications
        own_redis.kill()
        own_redis.start()
        for _ in range(100):
            try:
                refill()
                break
            except RedisUnavailable:
                continue
        restarted = kept()

    expected = {of_user(str(ada.pk)): 1}
    assert (emptied, refilled, restarted) == ({}, expected, expected)
    assert publication.data == b'{"do":"reread"}'


@pytest.mark.parametrize("at", range(6))
def test_redis_emptied_in_the_middle_is_not_taken_for_whole(
    ada: User, redis_url: str, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Between any two of the calls: the next round keeps it all."""
    monkeypatch.setattr("tandem.auth.revoking.BATCH", 1)
    refill()
    tandem.revoke(ada)
    tandem.revoke("another")
    calls = count()
    run = shards().run

    def emptied_once(channel: str, call: Call) -> Any:
        if next(calls) == at:
            shards().commands(0, [("FLUSHALL",)])
        return run(channel, call)

    shards().commands(0, [("FLUSHALL",)])
    with monkeypatch.context() as patched:
        patched.setattr(shards(), "run", emptied_once)
        refill()
    refill()

    assert next(calls) > at
    assert kept() == {of_user(str(ada.pk)): 1, of_user("another"): 1}


def test_rows_are_forgotten_when_no_token_can_say_it(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the database's clock; what nobody was told of stays."""
    monkeypatch.setattr("tandem.auth.revoking._next_prune", 0.0)
    tandem.revoke("old")
    tandem.revoke("new")
    Revocation.objects.filter(subject=of_user("old")).update(ended_at=timezone.now() - timedelta(hours=2))
    refill()

    assert rows() == {of_user("new"): 1}


def test_control_that_redis_cannot_take_is_a_row(redis_url: str) -> None:
    """And goes before everything else."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        tandem.publish_on_commit("public:x", 1)
        control.disconnect(user="42")
    assert [*OutboxEntry.objects.order_by("pk").values_list("channel", flat=True)] == ["public:x", control.CHANNEL]

    send_left_over(older_than=timedelta(0))
    stream = tandem.streams.history(control.CHANNEL, limit=10).publications

    assert stream[-1].data.startswith(b'{"do":"disconnect","user":"42"')
    assert not OutboxEntry.objects.exists()
