"""Tokens and tickets for the session's user: who gets what, and who gets nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, override_settings

import tandem
from rig.overrides import override_tandem
from rig.servers import free_port
from tandem import conf
from tandem.auth import connection_token_for, permissions, subscription_token_for
from tandem.errors import TandemError
from tandem.page import login_name
from tandem.shards import shards
from tandem.tickets import parse_ticket, take_command
from tandem.tokens import ConnectionClaims, SubscriptionClaims, Verifier

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def patterns(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Iterator[None]:
    """The project's own permission functions, and none of another test's."""
    monkeypatch.setattr(permissions, "_permissions", {})
    monkeypatch.setattr(conf, "_of_patterns", {})
    conf.namespaces.cache_clear()

    @tandem.channel("order:{pk}")
    def order(user: User, pk: int) -> bool:
        return user.pk == pk

    @tandem.channel("desk:{name:slug}", presence=True)
    async def desk(request: Any, name: str) -> dict[str, str] | None:
        return {"name": request.user.username} if name == "front" else None

    @tandem.channel("broken:{pk}")
    def broken(pk: int) -> bool:
        raise RuntimeError("a bug of the project")

    with override_tandem(redis_urls=[redis_url]):
        yield
    conf.namespaces.cache_clear()


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="secret")


@pytest.fixture
def client(ada: User) -> Client:
    client = Client()
    client.post("/in/", {"name": "ada", "password": "secret"})
    return client


def ask(client: Client, what: str, body: Any = None, **options: Any) -> Any:
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(f"/realtime/{what}/", content, content_type="application/json", **options)


def claims(response: HttpResponse) -> ConnectionClaims:
    return Verifier(conf.verifying_keys()).connection(response.json()["token"])


def grant(response: HttpResponse) -> SubscriptionClaims:
    return Verifier(conf.verifying_keys()).subscription(response.json()["token"])


def test_token_names_the_user_and_the_login(client: Client, ada: User) -> None:
    """The same login for as long as the session lasts, whatever its key; another for another session."""
    first, second = claims(ask(client, "token")), claims(ask(client, "token"))
    client.post("/password/", {"password": "changed"})
    changed = claims(ask(client, "token"))
    other = Client()
    other.post("/in/", {"name": "ada", "password": "changed"})
    elsewhere = claims(ask(other, "token"))

    assert {first.sub, second.sub, changed.sub, elsewhere.sub} == {str(ada.pk)}
    assert first.sid == second.sid == changed.sid != elsewhere.sid
    assert len(first.sid) == 32


@pytest.mark.parametrize("engine", ["cache", "cached_db", "file", "signed_cookies"])
def test_login_outlives_every_kind_of_session(ada: User, engine: str) -> None:
    """Also one that lives in a cookie and has no key."""
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
        client = Client()
        client.post("/in/", {"name": "ada", "password": "secret"})
        first, second = claims(ask(client, "token")), claims(ask(client, "token"))

    assert first.sid == second.sid != ""


def test_who_is_out_gets_401(client: Client) -> None:
    """As JSON, also where a middleware sends everybody else to a login page; so does who was deactivated."""
    answers = [ask(Client(), what, {"channel": "order:1"}) for what in ("token", "subscription", "ticket")]
    User.objects.update(is_active=False)
    answers.append(ask(client, "token"))

    assert [(answer.status_code, answer.json()) for answer in answers] == [(401, {"error": "unauthorized"})] * 4


def test_anonymous_where_it_is_allowed() -> None:
    """A token for nobody in particular, and of no login."""
    with override_tandem(anonymous=True):
        made = claims(ask(Client(), "token"))

    assert (made.sub, made.sid) == ("", "")


def test_without_csrf_token_403(client: Client) -> None:
    """Of a page elsewhere, in the browser of somebody who is logged in; told from a refusal by its type."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    answers = [ask(strict, what, {"channel": "order:1"}) for what in ("token", "subscription", "ticket")]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert all(answer["Content-Type"].startswith("text/html") for answer in answers)


def test_only_post(client: Client) -> None:
    """An address that can be followed must not mint."""
    assert [client.get(f"/realtime/{what}/").status_code for what in ("token", "subscription", "ticket")] == [405] * 3


def test_subscription_for_whom_the_function_lets_in(client: Client, ada: User) -> None:
    """With the user's id, what presence shows, and the namespace's options, which the sockets cannot know."""
    own, front = (
        grant(ask(client, "subscription", {"channel": channel})) for channel in (f"order:{ada.pk}", "desk:front")
    )

    assert (own.sub, own.channel, bytes(own.info)) == (str(ada.pk), f"order:{ada.pk}", b"")
    assert (own.ns["order"].history_size, own.ns["order"].recovery, own.ns["order"].presence) == (300, True, False)
    assert (bytes(front.info), front.ns["desk"].presence, [*front.ns]) == (b'{"name":"ada"}', True, ["desk"])


@pytest.mark.parametrize(
    "channel",
    [
        "order:0",
        "order:x",
        "order:",
        "order:1/2",
        "desk:back",
        "desk:a b",
        "nobody:1",
        "notifications:#0",
        "kept:1",
        "x",
    ],
)
def test_default_is_refusal(client: Client, channel: str) -> None:
    """Somebody else's, parts that do not convert, nobody's pattern."""
    refused = ask(client, "subscription", {"channel": channel})
    ticket = ask(client, "ticket", {"channels": [channel]})

    expected = (400, 400) if " " in channel else (403, 403)
    assert (refused.status_code, ticket.status_code) == expected
    assert expected == (400, 400) or refused.json() == {"error": "permission denied"}


def test_channels_open_by_their_namespace_need_no_pattern(client: Client, ada: User) -> None:
    """A ticket may name public and personal ones beside those of patterns."""
    answer = ask(client, "ticket", {"channels": ["public:x", f"notifications:#{ada.pk}", f"order:{ada.pk}"]})
    [kept] = shards().commands(0, [take_command(answer.json()["ticket"])])
    ticket = parse_ticket(kept)

    assert (ticket.user, len(ticket.session), [*ticket.ns]) == (str(ada.pk), 32, ["order"])
    assert ticket.channels == ["public:x", f"notifications:#{ada.pk}", f"order:{ada.pk}"]


def test_function_that_raises_is_500_and_never_a_grant(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Logged with its traceback, and nothing of it is told."""
    answer = ask(client, "subscription", {"channel": "broken:1"})

    assert (answer.status_code, answer.json()) == (500, {"error": "internal error"})
    assert "a bug of the project" in caplog.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"channel":7}', b'{"channel":null}', b"\xff", b"[" * 100_000])
def test_malformed_400(client: Client, body: bytes) -> None:
    """JSON of another shape, or no JSON."""
    assert ask(client, "subscription", body).status_code == 400


def test_ticket_without_redis_503(client: Client) -> None:
    """At once, and when to try again; tokens need no Redis."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        ticket = ask(client, "ticket", {"channels": ["public:x"]})
        token = ask(client, "token")

    assert (ticket.status_code, ticket["Retry-After"], token.status_code) == (503, "1", 200)


def test_user_who_changed_since_is_refused(ada: User) -> None:
    """A password changed while a request was on its way must not leave it a token."""
    stale = User.objects.get(pk=ada.pk)
    ada.set_password("changed")
    ada.save()

    assert connection_token_for(ada)
    with pytest.raises(TandemError, match="password was changed"):
        connection_token_for(stale)
    ada.delete()
    with pytest.raises(TandemError, match="not active"):
        subscription_token_for(stale, "public:x")


def test_token_that_outlives_what_ends_it_is_refused(ada: User) -> None:
    """A revocation is kept for `revocation_seconds`."""
    for ttl in (0, 3601, -1):
        with pytest.raises(ValueError, match="a token lives 1 to 3600 s"):
            connection_token_for(ada, ttl=ttl)


def test_function_that_wants_a_request_is_told_so(ada: User) -> None:
    """Where a token is made for a user alone."""
    with pytest.raises(TypeError, match="wants a request"):
        subscription_token_for(ada, "desk:front")


@pytest.mark.parametrize("answer", [7, "yes", ["x"], object()])
def test_answer_that_is_neither_yes_nor_no_is_no_grant(client: Client, answer: object) -> None:
    """A queryset, a text or a coroutine that was forgotten is true in Python."""
    tandem.channel("odd:{pk}")(lambda user, pk: answer)

    assert ask(client, "subscription", {"channel": "odd:1"}).status_code == 500


def test_function_must_take_the_parts() -> None:
    """Told where it is written."""
    for function in (lambda user: True, lambda user, pk, other: True, lambda key: True):
        with pytest.raises(TypeError, match="takes request or user, and pk"):
            tandem.channel("order:{pk}")(function)


@pytest.mark.parametrize(
    ("pattern", "options", "why"),
    [
        ("public:{pk}", {}, "built in"),
        ("mine:{pk}", {"subscribe": "anyone"}, "says who may subscribe"),
        ("mine:{pk}", {"personal": True}, "says who may subscribe"),
        ("mine:{pk}", {"histroy_size": 3}, "histroy_size"),
        ("desk:{a}/{b}", {"history_size": 3}, "another pattern with other options"),
    ],
)
def test_options_that_cannot_be(pattern: str, options: dict, why: str) -> None:
    """A permission that nobody is asked for, a word that is misspelt, a contradiction."""
    with pytest.raises(ValueError, match=why):
        tandem.channel(pattern, **options)(lambda user, **parts: True)


def test_settings_have_the_last_word_on_a_namespace() -> None:
    """What is published and what the token says agree."""
    with override_tandem(namespaces={"order": {"presence": True}}):
        declared = conf.namespaces().of("order:1"), conf.declared_for(["order:1"])

    assert (declared[0].presence, declared[0].history_size, declared[1]) == (True, 0, {"order": {"presence": True}})


@pytest.mark.parametrize("address", ["token", "subscription", "ticket"])
def test_page_of_a_login_that_is_over_gets_nothing(client: Client, ada: User, address: str) -> None:
    """Somebody else is logged in in the same browser meanwhile; the page that he left open is still the former's."""
    body = {"data": json.dumps({"channel": f"order:{ada.pk}"}), "content_type": "application/json"}
    if address == "ticket":
        body["data"] = json.dumps({"channels": [f"order:{ada.pk}"]})
    request = type("R", (), {"META": {}, "user": ada, "session": client.session})()
    mine = login_name(request)
    answers = [client.post(f"/realtime/{address}/?login={login}", **body).status_code for login in (mine, "other", "")]
    client.post("/out/")
    answers.append(client.post(f"/realtime/{address}/?login={mine}", **body).status_code)

    assert answers == [200, 401, 401, 401]


def test_tenants_do_not_share_a_user(ada: User) -> None:
    """User 1 of one tenant and user 1 of another have nothing in common: token, personal channel, presence, revoke."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(override_tandem(user_id=lambda user, request: f"{request.tenant}/{user.pk}"))
        request = type("R", (), {"META": {}, "user": ada, "session": {}})
        acme, umbrella = request(), request()
        acme.tenant, umbrella.tenant = "acme", "umbrella"
        subs = [Verifier(conf.verifying_keys()).connection(connection_token_for(each)).sub for each in (acme, umbrella)]

    assert subs == [f"acme/{ada.pk}", f"umbrella/{ada.pk}"]
    assert [conf.namespaces().personal_channels(sub) for sub in subs] == [[f"notifications:#{sub}"] for sub in subs]


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("42", "42"),
        ("ada@example.com", "ada@example.com"),
        ("José, Ñ", "Jos%C3%A9%2C%20%C3%91"),
        ("50%", "50%25"),
        ("a#b", "a%23b"),
        ("x" * 101, "~" + "a" * 0),
    ],
)
def test_id_is_what_a_channel_can_hold(ada: User, name: str, encoded: str) -> None:
    """Encoded, the same everywhere; a digest when it is too long."""
    with override_tandem(user_id=lambda user, request: name):
        made = Verifier(conf.verifying_keys()).connection(connection_token_for(ada)).sub

    assert made.startswith(encoded)
    assert conf.namespaces().personal_channels(made) == [f"notifications:#{made}"]


def test_empty_id_is_nobody(ada: User) -> None:
    """It would be everybody who is anonymous."""
    with override_tandem(user_id=lambda user, request: ""), pytest.raises(ValueError, match="id is empty"):
        connection_token_for(ada)
