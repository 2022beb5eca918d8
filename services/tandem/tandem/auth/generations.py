"""How often something of a user was revoked: the number that tokens carry."""

from __future__ import annotations

from django.db import router

from tandem.models import Generation


def generation_of(user_id: str) -> int:
    """Return the generation that a token of *user_id* made now belongs to."""
    # Of the database that is written to: a replica may be behind.
    rows = Generation.objects.using(router.db_for_write(Generation)).filter(user=user_id)
    return rows.values_list("number", flat=True).first() or 0
