"""What a page asks of the inbox, and what its user does there."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from django.db import transaction
from django.http import HttpRequest

from tandem.inbox.boxes import mailboxes
from tandem.inbox.boxes.tenants import tenant_of
from tandem.inbox.content import kinds
from tandem.inbox.content.drafting import text
from tandem.inbox.keeping.removing import remove_expired, remove_expired_announcements
from tandem.inbox.preferences import choosing
from tandem.inbox.reading import listing, marking
from tandem.inbox.web.answers import Malformed, answering, body_of
from tandem.inbox.web.page import channels_for, positions_of

MOST_IDS = 500
MOST_ITEMS = 100
USUAL_ITEMS = 20
_PARAMETERS = ("unseen", "unread", "archived", "category", "limit", "cursor")


class Mark(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a mark: which state, and of what: *ids*, or all *up_to* the versions that were shown."""

    state: Literal["seen", "read", "unread", "archived", "unarchived"] = msgspec.field(name="as")
    ids: list[str] | None = None
    up_to: tuple[int, int] | None = None
    category: str | None = None


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change of preferences: a kind by a medium, or a thread, on or off."""

    on: bool
    kind: str | None = None
    medium: str | None = None
    thread: str | None = None


@answering("GET")
def items(request: HttpRequest) -> dict[str, Any]:
    """Answer with a page of the inbox."""
    wanted, cursor, limit = _asked(request)
    tenant = tenant_of(request)
    channels = channels_for(request)
    positions = positions_of(channels)  # before the rows: whoever subscribes from there misses nothing
    _remove_expired(request, tenant)
    page = listing.page(request.user, tenant, wanted, cursor, limit)
    return {
        "state": page.state,
        "items": page.items,
        "next": None if page.next is None else str(page.next),
        "categories": kinds.categories(),
        "channels": channels,
        "positions": positions,
    }


@answering("GET")
def item(request: HttpRequest, name: str) -> dict[str, Any]:
    """Answer with one item."""
    state, found = listing.one(request.user, tenant_of(request), name)
    return {"state": state, "item": found}


@answering("GET")
def counts(request: HttpRequest) -> dict[str, Any]:
    """Answer with what a badge shows."""
    tenant = tenant_of(request)
    _remove_expired(request, tenant)
    return {"state": listing.counts(request.user, tenant), "channels": channels_for(request)}


@answering("POST")
def mark(request: HttpRequest) -> dict[str, Any]:
    """Mark what the body says."""
    asked: Mark = body_of(request, Mark)
    tenant = tenant_of(request)
    if (asked.ids is None) == (asked.up_to is None):
        raise Malformed("either ids or up_to", "ids")
    if asked.ids is not None:
        if not 0 < len(asked.ids) <= MOST_IDS:
            raise Malformed(f"1 to {MOST_IDS} ids, not {len(asked.ids)}", "ids")
        if asked.category is not None:
            raise Malformed("a category goes with up_to", "category")
        return {"state": marking.mark(request.user, tenant, asked.state, asked.ids), "ids": asked.ids}
    if asked.state not in marking.OF_ALL:
        raise Malformed(f"all are marked {', '.join(marking.OF_ALL)}, not {asked.state}", "as")
    own, announcements = asked.up_to or (0, 0)
    if own < 0 or announcements < 0 or max(own, announcements) >= 2**63:
        raise Malformed("the two versions that were shown", "up_to")
    category = None if asked.category is None else text("category", asked.category)
    shown = marking.Shown(own, announcements, category)
    return {"state": marking.mark_all(request.user, tenant, asked.state, shown)}


@answering("GET", "POST")
def preferences(request: HttpRequest) -> dict[str, Any]:
    """Answer with what the user wants to hear of, after the change of the body if there is one."""
    tenant = tenant_of(request)
    if request.method == "POST":
        asked: Choice = body_of(request, Choice)
        if asked.thread is not None and asked.kind is None and asked.medium is None:
            choosing.mute(request.user, tenant, asked.thread, is_muted=not asked.on)
        elif asked.thread is None and asked.kind is not None and asked.medium is not None:
            choosing.choose(request.user, tenant, asked.kind, asked.medium, is_on=asked.on)
        else:
            raise Malformed("either kind and medium, or thread", "kind")
    return choosing.overview(request.user, tenant)


def _asked(request: HttpRequest) -> tuple[listing.Filter, listing.Cursor, int]:
    given = request.GET
    if unknown := sorted(set(given) - set(_PARAMETERS)):
        raise Malformed(f"{', '.join(_PARAMETERS)}, not {unknown[0]!r}", unknown[0])
    flags = {name: _flag(given.get(name, "0"), name) for name in _PARAMETERS[:3]}
    limit = given.get("limit", str(USUAL_ITEMS))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 9 and 0 < int(limit) <= MOST_ITEMS):
        raise Malformed(f"1 to {MOST_ITEMS}", "limit")
    category = given.get("category")
    if category is not None:
        text("category", category)
    try:
        cursor = listing.Cursor.parse(given["cursor"]) if given.get("cursor") else listing.Cursor()
    except (ValueError, RecursionError) as error:
        raise Malformed("what a list answered as next", "cursor") from error
    return listing.Filter(flags["unseen"], flags["unread"], flags["archived"], category), cursor, int(limit)


def _flag(text: str, name: str) -> bool:
    if text not in ("0", "1", "true", "false"):
        raise Malformed("1 or 0", name)
    return text in ("1", "true")


def _remove_expired(request: HttpRequest, tenant: str) -> None:
    """Have nothing be shown or counted that has expired, also where no worker runs."""
    box = mailboxes.of(request.user, tenant)
    with transaction.atomic(using=mailboxes.home()):
        remove_expired_announcements(tenant=tenant)
        remove_expired(mailbox=box)
