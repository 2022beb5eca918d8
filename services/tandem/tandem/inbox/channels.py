"""Who may hear a tenant's announcements: whoever is logged in, and of that tenant."""

from __future__ import annotations

from django.http import HttpRequest

import tandem
from tandem.inbox.boxes.tenants import SHARED, tenant_of


@tandem.channel(SHARED, history_size=100, history_ttl=86_400)
def everyone(request: HttpRequest) -> bool:
    """Let in who is logged in, where there are no tenants."""
    return request.user.is_authenticated and not tenant_of(request)


@tandem.channel(f"{SHARED}/{{tenant}}", history_size=100, history_ttl=86_400)
def everyone_of(request: HttpRequest, tenant: str) -> bool:
    """Let in who is logged in and belongs to *tenant*."""
    return request.user.is_authenticated and tenant_of(request) == tenant
