"""``fragment/``: a block anew, for the login that was shown it, as long as it may see it."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import signing
from django.db import connections
from django.test import Client
from django.utils import timezone, translation

import tandem
from rig.overrides import override_tandem
from rig.servers import free_port
from tandem.live.references import LIFE_SECONDS
from tests.live_site import NAME, ask, attributes, content, render

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_site")]


@pytest.fixture
def reference(visitor: Client, ada: User) -> str:
    """What a page of ada's has to herself."""
    return attributes(render(visitor, NAME, person=ada))["reference"]


def told(answer: Any) -> tuple[int, dict[str, str]]:
    return answer.status_code, answer.json()


def test_fragment_is_the_row_as_it_is_now(visitor: Client, ada: User, reference: str) -> None:
    """The partial alone, where the channel stood before it was read, and the next reference."""
    User.objects.filter(pk=ada.pk).update(first_name="<Augusta>")
    position = tandem.publish(f"user:{ada.pk}", {})
    answer = ask(visitor, reference)
    again = ask(visitor, answer["X-Tandem-Reference"])

    assert answer.content.decode() == '<b id="name">&lt;Augusta&gt;</b>'
    assert answer["X-Tandem-Position"] == str(position)
    assert answer["Cache-Control"] == "no-store, private"
    assert again.content == answer.content
    assert again["X-Tandem-Reference"] != ""


def test_what_the_page_has_is_not_sent(visitor: Client, ada: User) -> None:
    """The tag's own ETag counts: the first render and every later one are the same."""
    html = render(visitor, NAME, person=ada)
    answer = ask(visitor, attributes(html)["reference"], **{"If-None-Match": attributes(html)["etag"]})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["X-Tandem-Position"] == attributes(html)["since"]
    assert answer["X-Tandem-Reference"]


def test_page_speaks_as_it_did(visitor: Client, ada: User) -> None:
    """The language and time zone of the page that has the block, wherever the project took them from."""
    tag = '{% live person partial="live/user.html#seen" %}'
    with translation.override("de"), timezone.override("Europe/Berlin"):
        html = render(visitor, tag, person=ada)
    answer = ask(visitor, attributes(html)["reference"], **{"Accept-Language": "fr"})

    assert answer.content.decode() == content(html) == "Ada, seen by ada in de, Europe/Berlin"


def test_another_user_or_session(visitor: Client, ada: User, reference: str) -> None:
    """403 to whoever was not shown it: another user, another login of the same user, nobody."""
    staff = User.objects.create_user("staff", is_staff=True)
    others = [Client(), Client(), Client()]
    others[0].force_login(staff)
    others[1].force_login(ada)

    assert [told(ask(other, reference)) for other in others] == [(403, {"error": "another login"})] * 3


@pytest.mark.parametrize("text", ["", "nothing", "a:b:c", "é", "x" * 3000])
def test_what_nobody_signed(visitor: Client, text: str) -> None:
    """403, whatever it is."""
    assert told(ask(visitor, text.encode("latin-1").decode("latin-1"))) == (403, {"error": "forged"})


def test_changed_reference(visitor: Client, reference: str) -> None:
    """Another partial, argument or channel is another signature."""
    assert told(ask(visitor, reference[:-1] + ("A" if reference[-1] != "A" else "B"))) == (403, {"error": "forged"})
    foreign = signing.dumps(signing.loads(reference, salt="tandem.live"), salt="of another", compress=True)
    assert told(ask(visitor, foreign)) == (403, {"error": "forged"})


def test_reference_expires(visitor: Client, reference: str) -> None:
    """After a day without a word the page is to be loaded again."""
    with time_machine.travel(time.time() + LIFE_SECONDS - 60):
        assert ask(visitor, reference).status_code == 200
    with time_machine.travel(time.time() + LIFE_SECONDS + 60):
        assert told(ask(visitor, reference)) == (403, {"error": "expired"})


def test_right_is_asked_each_time(visitor: Client, ada: User) -> None:
    """What the permission function takes back is not shown any more, valid as the reference is."""
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    ben = User.objects.create_user("ben", first_name="Ben")
    reference = attributes(render(visitor, NAME, person=ben))["reference"]
    before = ask(visitor, reference)
    User.objects.filter(pk=ada.pk).update(is_staff=False)

    assert before.status_code == 200
    assert told(ask(visitor, reference)) == (403, {"error": "not allowed"})


def test_logged_out(visitor: Client, reference: str) -> None:
    """The login of the page is over."""
    visitor.logout()

    assert told(ask(visitor, reference)) == (403, {"error": "another login"})


def test_deactivated_user(visitor: Client, ada: User, reference: str) -> None:
    """A session that outlives its user shows nothing."""
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert ask(visitor, reference).status_code == 403


def test_row_that_is_gone(visitor: Client, ada: User) -> None:
    """410, whether the permission function lets in or looks for the row itself."""
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    ben = User.objects.create_user("ben")
    reference = attributes(render(visitor, NAME, person=ben))["reference"]
    User.objects.filter(pk=ben.pk).delete()
    let_in = told(ask(visitor, reference))
    User.objects.filter(pk=ada.pk).update(is_staff=False)

    assert let_in == told(ask(visitor, reference)) == (410, {"error": "gone"})


def test_source_and_partial_that_fail(
    visitor: Client, reference: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 as JSON, which tells nothing; the log has the traceback."""
    monkeypatch.setattr("tandem.live.sources._row", lambda model, pk: 1 / 0)
    with caplog.at_level(logging.ERROR, "tandem.live"):
        answer = told(ask(visitor, reference))

    assert answer == (500, {"error": "internal error"})
    assert "ZeroDivisionError" in caplog.text


def test_partial_that_grew_too_large(visitor: Client) -> None:
    """The page is told why, in a sentence."""
    tag = '{% live "large" size partial="live/large.html" %}'
    reference = attributes(render(visitor, tag, size=5000))["reference"]
    with override_tandem(max_publication_bytes=1000):
        status, body = told(ask(visitor, reference))

    assert status == 500
    assert body["error"].startswith("live/large.html has 10001 bytes, and 1000 are the most")


def test_without_redis(visitor: Client, reference: str) -> None:
    """The row is in the database: it is shown, without a position."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        answer = ask(visitor, reference)

    assert (answer.status_code, answer.content) == (200, b'<b id="name">Ada</b>')
    assert "X-Tandem-Position" not in answer
    assert answer["X-Tandem-Pace"] == "3.0"


def test_one_viewer_is_counted_once(visitor: Client, reference: str) -> None:
    """However often it asks."""
    paces = {ask(visitor, reference)["X-Tandem-Pace"] for _ in range(5)}

    assert paces == {"0.003"}


def test_fragment_is_no_transaction(visitor: Client, reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ATOMIC_REQUESTS each query still sees what is committed by then: the position counts."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    answer = ask(visitor, reference)

    assert answer["X-Tandem-Position"].endswith(":0")


def test_only_get(visitor: Client, reference: str) -> None:
    """Nothing changes by asking."""
    assert visitor.post("/realtime/fragment/", headers={"X-Tandem-Reference": reference}).status_code == 405


def test_blocks_inside_a_block(visitor: Client, ada: User) -> None:
    """They have what they need, and the script is not sent again."""
    tag = '{% live person partial="live/nested.html" %}'
    html = render(visitor, tag, person=ada)
    outer = html.index("<tandem-live")
    answer = ask(visitor, attributes(html[: html.index(">", outer) + 1])["reference"])

    assert html.count("<script") == 1
    assert "<script" not in answer.content.decode()
    assert answer.content.decode().count("<tandem-live") == 1
