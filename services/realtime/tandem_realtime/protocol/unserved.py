"""Commands that ask for what is not served: refused, never carried out as if they had not asked. No I/O here."""

from __future__ import annotations

from typing import Any

from tandem_realtime.protocol import filters
from tandem_realtime.protocol.codes import BAD_COMMAND, CommandError
from tandem_realtime.protocol.commands import Publish, SubRefresh, Subscribe

COMPACT = 1
"""A flag of subscribe: numbers for channels are welcome. Nobody has to give them."""
REJECT_UNRECOVERED = 2
"""A flag of subscribe: a position that cannot be recovered is an error, 112."""
DELTA = "fossil"

# Maps, shared polls and their pages: another meaning of the same commands.
_UNSERVED: dict[type[Any], tuple[str, ...]] = {
    Subscribe: ("type", "phase", "cursor", "limit", "asc"),
    Publish: ("type", "key", "removed"),
    SubRefresh: ("type", "track", "untrack"),
}


def refuse_unserved(request: Any) -> None:
    """Raise `CommandError` (107), naming what of *request* is not served."""
    for name in _UNSERVED.get(type(request), ()):
        if getattr(request, name):
            raise _refusal(f"{name} is not served")
    if isinstance(request, Subscribe):
        _check_subscribe(request)


def _check_subscribe(request: Subscribe) -> None:
    if request.delta not in ("", DELTA):
        raise _refusal(f"a delta is {DELTA}, not {request.delta[:16]!r}")
    if request.flag & ~(COMPACT | REJECT_UNRECOVERED):
        raise _refusal(f"flag {request.flag} is not served")
    if request.tf is not None:
        try:
            filters.check(request.tf)
        except ValueError as error:
            raise _refusal(str(error)) from error


def _refusal(why: str) -> CommandError:
    return CommandError(BAD_COMMAND._replace(message=f"{BAD_COMMAND.message}: {why}"))
