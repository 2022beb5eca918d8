"""What the one-way transports share: an address with channels, positions and a ticket."""

from __future__ import annotations

from typing import Any, NamedTuple

from tandem.errors import InvalidToken
from tandem.namespaces import check_channel
from tandem.tickets import Ticket
from tandem_realtime.consumers.refusals import refused
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import Error
from tandem_realtime.protocol.event_ids import RIGHT
from tandem_realtime.runtime import runtime
from tandem_realtime.session.failures import as_error
from tandem_realtime.session.following import Wanted, check, resumed, wanted
from tandem_realtime.tickets import ANONYMOUS, resumed_ticket, take_ticket

Query = dict[str, list[str]]


class Address(NamedTuple):
    """What a one-way address asks for, and by whose ticket."""

    wanted: Wanted
    ticket: Ticket


async def read_address(scope: dict[str, Any], query: Query, *, resume: str = "") -> Address | Error:
    """
    Read and check an address; return why it is refused if it is, of which the log has heard.

    *resume* is a Last-Event-ID, which takes the place of ``?since=``, and that of a ticket that is spent. ``since``
    takes one too: a page whose right to resume is over comes back with a new ticket, and with the last id that it saw.
    """
    at, _, right = resume.partition(RIGHT)
    ticket = ANONYMOUS
    try:
        channels = query.get("channel", [])
        since = [position for text in query.get("since", []) for position in text.partition(RIGHT)[0].split(",")]
        found = resumed(channels, at) if resume else wanted(channels, since)
        for channel in found:
            check_channel(channel) if "ticket" in query else runtime().namespaces.of(channel)
        ticket = resumed_ticket(runtime(), query, right) or await take_ticket(runtime(), query)
        runtime().namespaces.adopt(ticket.ns)
        limit = runtime().options.max_subscriptions
        check(found, runtime().namespaces, user=ticket.user, admitted=ticket.channels, limit=limit)
    except InvalidToken as error:
        refused(scope, f"unauthorized: {error}", user=error.user)
        return codes.UNAUTHORIZED
    except Exception as error:  # sorted by type; what is ours is logged there
        failure = as_error(error)
        refused(scope, failure.message, user=ticket.user, code=failure.code, channel=" ".join(query.get("channel", ())))
        return failure
    return Address(found, ticket)
