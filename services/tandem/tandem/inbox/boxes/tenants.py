"""Which tenant a request belongs to, and what its announcements' channel is called."""

from __future__ import annotations

import re
from typing import Any

from tandem import conf
from tandem.inbox.errors import InvalidNotification

SHARED = "inbox:everyone"
_TENANT = re.compile(r"[A-Za-z0-9_.-]{0,64}")


def tenant_of(request: Any) -> str:
    """Return what ``TANDEM["inbox_tenant"]`` says of *request*; empty where there are no tenants."""
    function = conf.function_of("inbox_tenant")
    return check(str(function(request))) if function else ""


def check(tenant: str) -> str:
    """Return *tenant*, or raise `InvalidNotification`: letters, digits, ``_``, ``.`` and ``-``, at most 64."""
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise InvalidNotification("tenant", f"at most 64 letters, digits, '_', '.' and '-', not {tenant!r}")
    return tenant


def shared_channel(tenant: str) -> str:
    """Return the channel that *tenant*'s announcements are published to."""
    return f"{SHARED}/{tenant}" if tenant else SHARED
