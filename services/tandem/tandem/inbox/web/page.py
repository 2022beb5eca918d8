"""What a page needs to know to show an inbox."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connections
from django.http import HttpRequest

import tandem
from tandem.inbox.boxes import tenants
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.boxes.pushing import own_channel


def channels_for(request: HttpRequest) -> dict[str, str]:
    """Return the channels that *request*'s user hears of: ``own`` and ``shared``."""
    return {"own": own_channel(request.user), "shared": tenants.shared_channel(tenants.tenant_of(request))}


def positions_of(channels: Mapping[str, str]) -> dict[str, str | None]:
    """
    Return where *channels* stand, from where a page that reads its rows after this may subscribe.

    None while Redis is away; and in a transaction, which may have begun before and show rows that are older.
    """
    if connections[home()].in_atomic_block:
        return dict.fromkeys(channels)
    found = {place: tandem.position(channel) for place, channel in channels.items()}
    return {place: None if position is None else str(position) for place, position in found.items()}
