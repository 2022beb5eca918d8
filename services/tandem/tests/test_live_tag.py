"""``{% live %}``: what stands on the page, and what is refused where it stands."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import transaction
from django.http import Http404
from django.template import Context, Engine
from django.test import Client
from django.test.utils import CaptureQueriesContext

import tandem
from rig.overrides import override_tandem
from rig.servers import free_port
from tandem.live import source
from tandem.live.blocks import as_told
from tandem.live.errors import PartialTooLarge
from tests.live_site import NAME, attributes, content, render

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_site")]


def test_block_of_an_object(visitor: Client, ada: User) -> None:
    """Its row by its partial, from where its channel stands; the script once."""
    tandem.publish(f"user:{ada.pk}", {})
    position = tandem.position(f"user:{ada.pk}")
    html = render(visitor, NAME + NAME, person=ada)

    assert html.count('<script type="module" src="/static/tandem/tandem-live.js"></script>') == 1
    assert html.count('<b id="name">Ada</b></tandem-live>') == 2
    first = attributes(html.split("</tandem-live>")[0])
    assert (first["channel"], first["since"]) == (f"user:{ada.pk}", str(position))
    assert first["src"] == "/realtime/fragment/"
    assert re.fullmatch(r'W/"[0-9a-f]{20}"', first["etag"])


def test_row_is_read_again_after_the_position(visitor: Client, ada: User) -> None:
    """A change between the page's query and the tag is shown: its publication is before the position."""
    User.objects.filter(pk=ada.pk).update(first_name="Augusta")
    tandem.publish(f"user:{ada.pk}", {})
    html = render(visitor, NAME, person=ada)

    assert content(html) == '<b id="name">Augusta</b>'
    assert attributes(html)["since"].endswith(":1")


def test_context_is_the_source_alone(visitor: Client, ada: User) -> None:
    """The request's processors are there; nothing of the page's own is, since the next render will not have it."""
    tag = '{% live person partial="live/user.html#seen" %}'
    html = render(visitor, tag, person=ada, from_the_page="lost")

    assert content(html) == "Ada, seen by ada in en-us, America/Chicago"


def test_list_of_a_source(visitor: Client, ada: User) -> None:
    """By name and arguments; a template without a part; the channel that the source names."""
    html = render(visitor, '{% live "people" first="A" partial="live/names.html" %}')
    positional = render(visitor, '{% live "people" "A" partial="live/names.html" %}')

    assert content(html).strip() == f'<ul><li id="user-{ada.pk}">Ada</li></ul>'
    assert content(positional) == content(html)
    assert attributes(html)["channel"] == "names:A"
    assert attributes(render(visitor, '{% live "people" partial="live/names.html" %}'))["channel"] == "names:a"


def test_own_channel_of_a_tag(visitor: Client, ada: User) -> None:
    """The tag has the last word, and that channel's function is asked."""
    tag = '{% live person partial="live/user.html#name" channel="names:x" %}'

    assert attributes(render(visitor, tag, person=ada))["channel"] == "names:x"


def test_who_may_not_hear_does_not_see(visitor: Client) -> None:
    """The permission function decides: the page is a 403, for a stranger and for who is not logged in."""
    ben = User.objects.create_user("ben")
    with pytest.raises(PermissionDenied, match=f"user:{ben.pk} is not for this user"):
        render(visitor, NAME, person=ben)
    with pytest.raises(PermissionDenied, match="nobody is logged in"):
        render(Client(), NAME, person=ben)


def test_anyone_sees_what_anyone_may_hear(ada: User) -> None:
    """A namespace that is open to anyone needs no function and no login."""
    tag = '{% live person partial="live/user.html#name" channel="public:ada" %}'

    assert content(render(Client(), tag, person=ada)) == '<b id="name">Ada</b>'


def refused(visitor: Client, tag: str, **context: Any) -> str:
    """What a page says that cannot be right."""
    with pytest.raises((ImproperlyConfigured, TypeError, ValueError)) as refusal:
        render(visitor, tag, **context)
    return str(refusal.value)


def test_what_cannot_be_is_said(visitor: Client, ada: User) -> None:
    """Each in one sentence, where the tag stands."""
    tag = '{% live what partial="live/user.html#name" %}'

    assert refused(visitor, '{% live what partial="x" channel="nobodys:1" %}', what=ada) == (
        "{% live %}: nobody says who may hear nobodys:1: write a function, @tandem.channel('nobodys:{pk}')"
    )
    assert refused(visitor, tag, what=User()) == "{% live %}: this user is not saved"
    assert "not a int" in refused(visitor, tag, what=7)
    assert "not a QuerySet" in refused(visitor, tag, what=User.objects.all())
    assert "no live source 'nothing'" in refused(visitor, tag, what="nothing")
    assert "no template 'nowhere.html'" in refused(visitor, '{% live what partial="nowhere.html" %}', what=ada)
    assert "no template 'live/user.html#x'" in refused(visitor, '{% live what partial="live/user.html#x" %}', what=ada)
    assert "Give partial=" in refused(visitor, "{% live what %}", what=ada)
    assert "takes no arguments" in refused(visitor, '{% live what 7 partial="x" %}', what=ada)
    assert "give a pk, not a User" in refused(visitor, '{% live "people" what partial="x" %}', what=ada)
    assert "unexpected keyword argument 'shop'" in refused(visitor, '{% live "people" shop=7 partial="x" %}')
    assert "shows live/names.html" in refused(visitor, '{% live "board" "a" partial="x" %}')


def test_a_row_that_is_gone(visitor: Client, ada: User) -> None:
    """The page is a 404, as with any other query of it."""
    staff = User.objects.create_user("staff", is_staff=True)
    visitor.force_login(staff)
    User.objects.filter(pk=ada.pk).delete()

    with pytest.raises(Http404):
        render(visitor, NAME, person=ada)
    with pytest.raises(Http404, match="the source 'missing' found nothing"):
        render(visitor, '{% live "missing" partial="live/names.html" %}')


def test_large_partial_is_refused(visitor: Client) -> None:
    """In bytes, with what to do about it."""
    tag = '{% live "large" size partial="live/large.html" %}'
    with override_tandem(max_publication_bytes=1000):
        render(visitor, tag, size=499)
        with pytest.raises(PartialTooLarge) as refusal:
            render(visitor, tag, size=5_000_000)

    assert str(refusal.value) == (
        "live/large.html has 10000001 bytes, and 1000 are the most (TANDEM['max_publication_bytes']): show less, for "
        "example a page of the list"
    )


def test_without_redis(visitor: Client, ada: User) -> None:
    """The page is shown, and asks once it is connected."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        html = render(visitor, NAME, person=ada)

    assert content(html) == '<b id="name">Ada</b>'
    assert (attributes(html)["since"], attributes(html)["pace"]) == ("", "3.0")
    assert 0 <= float(attributes(html)["turn"]) <= 3  # drawn: nobody knows how many look


def test_snapshot_from_before_the_position(visitor: Client, ada: User) -> None:
    """In a transaction of SQLite the row may be older than the position: the element asks once it has subscribed."""
    with transaction.atomic():
        inside = render(visitor, NAME, person=ada)
    outside = render(visitor, NAME, person=ada)

    assert attributes(inside)["since"] == ""
    assert attributes(outside)["since"] != ""


def test_many_viewers_are_told_to_spread(visitor: Client, ada: User) -> None:
    """The more look at a channel, the longer each waits."""
    paces = [float(attributes(render(visitor, NAME, person=ada))["pace"]) for _ in range(3)]

    assert paces == [0.003, 0.006, 0.009]


def test_arguments_are_what_a_reference_gives_back() -> None:
    """The first render has them as every later one has."""
    from uuid import UUID

    assert as_told([UUID(int=1), (1, 2)], {"a": None}) == ([str(UUID(int=1)), [1, 2]], {"a": None})
    with pytest.raises(TypeError, match="cannot be written into the page"):
        as_told([object()], {})


def test_sources_that_cannot_be() -> None:
    """Refused where they are written."""
    with pytest.raises(TypeError, match="takes the request first"):
        source(lambda pk: {})
    with pytest.raises(TypeError, match="it takes no request"):

        @source(push="x.html")
        def pushed(request: Any) -> dict[str, Any]:
            return {}

    with pytest.raises(ValueError, match="there is a source 'people' already"):

        @source
        def people(request: Any) -> dict[str, Any]:
            return {}


def test_source_that_returns_no_context(visitor: Client) -> None:
    """A queryset is not what the partial calls it."""

    @source(channel="public:x")
    async def wrong(request: Any) -> Any:
        return [1]

    with pytest.raises(TypeError, match="the source 'wrong' returned a list, not the partial's context"):
        render(visitor, '{% live "wrong" partial="live/names.html" %}')


def test_page_without_a_request() -> None:
    """The tag cannot know whose page it is."""
    engine = Engine(libraries={"tandem": "tandem.templatetags.tandem"})
    with pytest.raises(ImproperlyConfigured, match=r"\{% live %\} needs the request"):
        engine.from_string('{% load tandem %}{% live 1 partial="x" %}').render(Context({}))


def test_queries_of_a_block(visitor: Client, ada: User) -> None:
    """Session and user once; then a row for each block."""
    from django.db import connection

    with CaptureQueriesContext(connection) as queries:
        render(visitor, NAME * 10, person=ada)

    assert len(queries) == 2 + 10
