"""A crowd with inboxes: whom to tell, and when all is told."""

from __future__ import annotations

from rig.inbox_site import InboxSite
from rig.servers import wait_until

CROWD = 130
"""More than a message reaches at once."""

USERS = f"""
from django.contrib.auth.models import User
User.objects.bulk_create(User(username=f"user{{number}}") for number in range({CROWD}))
"""

SETTLED = """
import json
from tandem.models import OutboxEntry
from tandem.inbox.models import Bulk
print(json.dumps(OutboxEntry.objects.exists() or Bulk.objects.exists()))
"""


def settle(site: InboxSite, *, seconds: float = 60) -> None:
    """Wait until there is nothing left for the workers."""
    wait_until(lambda: site.run(SETTLED) is False, seconds=seconds, what="the workers' end")
