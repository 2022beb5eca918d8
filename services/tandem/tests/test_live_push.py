"""Pushed blocks: rendered once for everybody, in the order of what was committed, where no client can publish."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import Client
from django.utils import translation

import tandem
from rig.overrides import override_tandem
from rig.servers import free_port
from tandem.live import push, source
from tandem.live.blocks import Block
from tandem.live.checks import check_pushed
from tandem.live.pushing import publish_html
from tandem.models import OutboxEntry
from tandem.shards import shards
from tandem.streams import history
from tests.live_site import ask, attributes, content, render

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_site")]

BOARD = '{% live "board" "A" %}'
CHANNEL = "public:board.A"


def published() -> list[dict[str, Any]]:
    return [msgspec.json.decode(each.data) for each in history(CHANNEL, limit=-1).publications]


def test_change_is_pushed_as_html() -> None:
    """After the commit, the hint first; what the page has and what was pushed are the same block and the same text."""
    html = render(Client(), BOARD)
    with transaction.atomic():
        User.objects.create_user("ada", first_name="Ada")
        push("board", "A")
        before = published()
    hint, pushed = published()

    assert before == []
    assert hint == {"type": "live.changed"}
    assert (pushed["type"], pushed["key"]) == ("live.html", attributes(html)["key"])
    assert pushed["html"] == content(render(Client(), BOARD))
    assert "Ada</li>" in pushed["html"]


def test_rolled_back_is_not_pushed() -> None:
    """Neither the hint nor the HTML."""
    with transaction.atomic():
        push("board", "A")
        transaction.set_rollback(True)

    assert published() == []


def test_everybody_has_the_same(client: Client) -> None:
    """Neither the viewer nor the viewer's language is in it, in the page and in the fragment."""
    User.objects.create_user("ada", first_name="Ada")
    with translation.override("de"):
        html = render(client, BOARD)
    answer = ask(
        client, attributes(html)["reference"], **{"If-None-Match": attributes(render(Client(), BOARD))["etag"]}
    )

    assert answer.status_code == 304


def test_the_later_render_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who rendered before another published renders anew: the last HTML has every change."""
    block = Block("board", ["A"], {}, "live/names.html", CHANNEL)
    from tandem.live import pushing

    render_really, turns = pushing.render, []

    def slow(block: Block, request: Any) -> str:
        html = render_really(block, request)
        turns.append(html)
        if len(turns) == 1:  # another process changes, renders and publishes meanwhile
            User.objects.create_user("ada", first_name="Ada")
            publish_html(block)
        return html

    monkeypatch.setattr(pushing, "render", slow)
    publish_html(block)

    assert len(turns) == 3
    assert "Ada" not in turns[0]
    assert "Ada" in published()[-1]["html"]


@pytest.mark.parametrize("is_born", [True, False])
def test_redis_that_comes_back_empty_keeps_no_older_html(monkeypatch: pytest.MonkeyPatch, is_born: bool) -> None:
    """What was rendered before, and is published after what another rendered, is rendered anew."""
    block = Block("board", ["A"], {}, "live/names.html", CHANNEL)
    from tandem.live import pushing

    if is_born:
        publish_html(block)
    render_really, turns = pushing.render, []

    def slow(block: Block, request: Any) -> str:
        html = render_really(block, request)
        turns.append(html)
        if len(turns) == 1:
            shards().commands(0, [("FLUSHALL",)])
            tandem.publish(CHANNEL, {"type": "live.changed"})
            User.objects.create_user("ada", first_name="Ada")
            publish_html(block)
        return html

    monkeypatch.setattr(pushing, "render", slow)
    publish_html(block)

    assert "Ada" not in turns[0]
    assert "Ada" in published()[-1]["html"]


def test_source_that_fails_is_a_hint_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Who looks asks, and gets to know."""

    @source(channel="public:board.A", push="live/names.html", name="failing")
    def failing() -> dict[str, Any]:
        raise RuntimeError("a bug of the project")

    push("failing")

    assert published() == [{"type": "live.changed"}]
    assert "a bug of the project" in caplog.text


def test_where_clients_may_publish() -> None:
    """A check, the tag and `push` refuse it: a client would write HTML into everybody's page."""
    opened = {"public": {"subscribe": "anyone", "publish": "subscribers", "history_size": 9, "history_ttl": 9}}
    with override_tandem(namespaces=opened):
        [found] = check_pushed()
        with pytest.raises(ImproperlyConfigured, match="where clients may publish"):
            render(Client(), BOARD)
        with pytest.raises(ImproperlyConfigured, match="where clients may publish"):
            push("board", "A")

    assert (found.id, found.msg) == (
        "tandem.E008",
        "the live source 'board' pushes HTML into a namespace where clients may publish",
    )


def test_where_nothing_is_kept() -> None:
    """An order that nobody keeps is none."""
    with override_tandem(namespaces={"public": {"subscribe": "anyone"}}):
        [found] = check_pushed()
        with pytest.raises(ImproperlyConfigured, match="has no history"):
            push("board", "A")

    assert found.id == "tandem.E009"
    assert check_pushed() == []


def test_only_a_pushed_source_is_pushed() -> None:
    """Any other is rendered by who looks."""
    with pytest.raises(ImproperlyConfigured, match="the source 'people' is not pushed"):
        push("people", "A")


def test_without_redis() -> None:
    """The commit stands; the hint waits in the outbox."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        push("board", "A")
        waiting = [(row.channel, row.data) for row in OutboxEntry.objects.all()]

    assert waiting == [(CHANNEL, '{"type":"live.changed"}')]
