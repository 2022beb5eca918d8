"""
What the one-way event stream says, in the events that its reader wants: ``?as=``. No I/O here.

Libraries that swap HTML by themselves get what was pushed as HTML, and for all else an event that makes them fetch.
HTML is only what the server's own push published (`tandem.live`): a text that somebody else wrote never becomes a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from tandem.publication import Position, Publication
from tandem_realtime.protocol.dialects.json import json_string
from tandem_realtime.protocol.plain import push_lost, push_plain

_PUSHED = "live.html"
Said = Callable[[Publication], bytes]


class Pushed(msgspec.Struct):
    """What `tandem.live` publishes of a block that it rendered for everybody."""

    type: str
    html: str


_decoder = msgspec.json.Decoder(Pushed)


class EventForm(NamedTuple):
    """
    Events without their ids: a publication, that something was lost, and whether the server is sure.

    `begins` is the event where a channel begins for who did not say what he has. A form that `is_cut` has readers that
    only come back to a response that breaks off.
    """

    said: Said
    lost: Callable[[str, Position], bytes]
    state: Callable[[str], bytes]
    begins: Callable[[str, Position], bytes] | None = None
    is_cut: bool = False


def event(lines: Iterable[str | bytes], name: str = "") -> bytes:
    """Encode an event of these lines (HTML standard, section 9.2)."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return (
        head
        + b"".join(b"data: " + (each.encode() if isinstance(each, str) else each) + b"\n" for each in lines)
        + b"\n"
    )


def html_of(publication: Publication) -> str | None:
    """Return the HTML that the server pushed with *publication*; None for anything else, and whatever a client sent."""
    if publication.info or _PUSHED.encode() not in publication.data:
        return None
    try:
        pushed = _decoder.decode(publication.data)
    except msgspec.MsgspecError:
        return None
    return pushed.html if pushed.type == _PUSHED else None


def lines_of(text: str) -> list[str]:
    """Return the lines of *text* as an event stream knows them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _state(state: str) -> bytes:
    return event([msgspec.json.encode({"state": state})], "state")


def _htmx(publication: Publication) -> bytes:
    """HTML without a name, which htmx 4 swaps and htmx 2 calls ``message``; else an event called like the channel."""
    html = html_of(publication)
    return event([push_plain(publication)], publication.channel) if html is None else event(lines_of(html))


def _htmx_again(channel: str, position: Position) -> bytes:
    return event([push_lost(channel, position)], channel)


class Words(NamedTuple):
    """What a version of Datastar calls things."""

    elements: str
    elements_line: str
    signals: str


DATASTAR_1 = Words("datastar-patch-elements", "elements", "datastar-patch-signals")
DATASTAR_BETA = Words("datastar-merge-fragments", "fragments", "datastar-merge-signals")


def _datastar(words: Words) -> EventForm:
    """HTML morphs into the elements of its ids; else the signal ``tandem.changed`` gets another value."""

    def signals(**values: str) -> bytes:
        return event([b"signals " + msgspec.json.encode({"tandem": values})], words.signals)

    def said(publication: Publication) -> bytes:
        html = html_of(publication)
        if html is not None:
            return event([f"{words.elements_line} {line}" for line in lines_of(html)], words.elements)
        return signals(changed=f"{publication.channel} {publication.epoch}:{publication.offset or publication.time}")

    def again(channel: str, position: Position) -> bytes:
        return signals(changed=f"{channel} {position}")

    return EventForm(said, again, lambda state: signals(state=state), begins=again, is_cut=True)


PLAIN = EventForm(
    said=lambda publication: event([push_plain(publication)]),
    lost=lambda channel, position: event([push_lost(channel, position)]),
    state=_state,
)
FORMS = {
    "": PLAIN,
    "htmx": EventForm(_htmx, _htmx_again, _state, begins=_htmx_again),
    "datastar": _datastar(DATASTAR_1),
    "datastar-beta": _datastar(DATASTAR_BETA),
}
"""By the value of ``?as=``."""


def position_event(channel: str, position: Position) -> bytes:
    """Encode the event that gives a reader its first id: without one a cut right after would go unnoticed."""
    where = (json_string(channel), json_string(position.epoch), position.offset)
    return event([b'{"channel":%s,"epoch":%s,"offset":%d}' % where], "position")
