"""What an event stream says in the events of each library."""

from __future__ import annotations

import pytest

from tandem.publication import Position, Publication
from tandem_realtime.protocol.event_forms import FORMS
from tandem_realtime.protocol.event_ids import EventIds, shared

HINT = Publication("order:7", b'{"event":"changed"}', 4, "e")
HTML = Publication("order:7", b'{"type":"live.html","key":"k","html":"<p id=\\"a\\">\\n1\\r\\n</p>"}', 5, "e")
AT = Position("e", 4)


@pytest.mark.parametrize(
    ("form", "hint", "html"),
    [
        (
            "htmx",
            b'event: order:7\ndata: {"channel":"order:7","data":{"event":"changed"},"offset":4,"epoch":"e"}\n\n',
            b'data: <p id="a">\ndata: 1\ndata: </p>\n\n',
        ),
        (
            "datastar",
            b'event: datastar-patch-signals\ndata: signals {"tandem":{"changed":"order:7 e:4"}}\n\n',
            b'event: datastar-patch-elements\ndata: elements <p id="a">\ndata: elements 1\ndata: elements </p>\n\n',
        ),
        (
            "datastar-beta",
            b'event: datastar-merge-signals\ndata: signals {"tandem":{"changed":"order:7 e:4"}}\n\n',
            b'event: datastar-merge-fragments\ndata: fragments <p id="a">\ndata: fragments 1\ndata: fragments </p>\n\n',
        ),
    ],
)
def test_html_is_swapped_and_all_else_is_fetched(form: str, hint: bytes, html: bytes) -> None:
    """Behind the id, which every reader of one channel shares."""
    encoding = EventIds({"order:7": None}, FORMS[form]).encoding

    assert encoding is not None
    assert encoding == shared(FORMS[form])
    assert encoding.encode(HINT) == b"id: e:4\n" + hint
    assert encoding.encode(HTML) == b"id: e:5\n" + html


@pytest.mark.parametrize(
    "publication",
    [
        HTML.__class__("order:7", HTML.data, 5, "e", info=b'{"user":"7","client":"c"}'),
        Publication("order:7", b'"<p>live.html</p>"', 5, "e"),
        Publication("order:7", b'{"type":"chat","text":"live.html","html":"<script>"}', 5, "e"),
        Publication("order:7", b'{"type":"live.html"}', 5, "e"),
    ],
    ids=["by a client", "a text", "another type", "no html"],
)
def test_what_the_server_did_not_push_is_no_html(publication: Publication) -> None:
    """Above all not what a client published."""
    assert FORMS["htmx"].said(publication).startswith(b"event: order:7\n")
    assert FORMS["datastar"].said(publication).startswith(b"event: datastar-patch-signals\n")


@pytest.mark.parametrize("form", ["htmx", "datastar"])
def test_who_did_not_say_what_he_has_loads_once(form: str) -> None:
    """What came between the page and its subscription is in what it fetches."""
    new, old = EventIds({"a": None, "b": AT}, FORMS[form]), EventIds({"a": AT}, FORMS[form])

    assert FORMS[form].lost("a", AT) in new.begin("a", AT, has_history=True)
    assert new.begin("b", AT, has_history=True).count(b"\n\n") == 1
    assert old.begin("a", AT, has_history=True).count(b"\n\n") == 1


def test_channel_without_history_begins_too() -> None:
    """It has no position; the page loads all the same."""
    assert EventIds({"a": None}).begin("a", Position("", 0), has_history=False) == b""
    begun = EventIds({"a": None}, FORMS["htmx"]).begin("a", Position("", 0), has_history=False)
    assert begun.startswith(b"id: \nevent: a\n")


def test_state_is_said_to_each() -> None:
    """As an event, or as a signal."""
    assert FORMS["htmx"].state("stale") == b'event: state\ndata: {"state":"stale"}\n\n'
    assert FORMS["datastar"].state("stale") == (
        b'event: datastar-patch-signals\ndata: signals {"tandem":{"state":"stale"}}\n\n'
    )
