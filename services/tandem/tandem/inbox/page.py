"""What a page needs to know to show an inbox."""

from __future__ import annotations

from django.http import HttpRequest

from tandem.inbox import tenants
from tandem.inbox.pushing import own_channel


def channels_for(request: HttpRequest) -> dict[str, str]:
    """Return the channels that *request*'s user hears of: ``own`` and ``shared``."""
    return {"own": own_channel(request.user), "shared": tenants.shared_channel(tenants.tenant_of(request))}
