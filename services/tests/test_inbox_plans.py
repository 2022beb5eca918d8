"""The inbox on PostgreSQL: each list is one scan of one index."""

from __future__ import annotations

from typing import Any

import pytest

from rig.inbox_site import InboxSite

pytest_plugins = ["rig.inbox_crowd_fixtures"]


FULL = """
import json
from django.contrib.auth.models import User
from django.db import connection
from tandem.inbox.boxes import mailboxes
from tandem.inbox.reading import listing
from tandem.inbox.reading.listing import Filter
from tandem.inbox.models import Mailbox, Notification

with connection.cursor() as cursor:
    cursor.execute(\"\"\"
        INSERT INTO tandem_inbox_mailbox (recipient_id, tenant, version, unseen, unread, begins_after, seen_up_to,
            read_up_to)
        SELECT n, '', {each}, 0, 0, 0, 0, 0 FROM generate_series(1, 5000) AS n\"\"\")
    cursor.execute(\"\"\"
        INSERT INTO tandem_inbox_message (tenant, kind, category, severity, actor_name, target_id, target_name, title,
            body, url, thread, is_for_everyone, created_at)
        SELECT '', 'thing', CASE WHEN n % 5 = 0 THEN 'rare' ELSE 'usual' END, 'info', '', '', '', 'Title ' || n, '', '',
            '', false, now() FROM generate_series(1, {each}) AS n\"\"\")
    cursor.execute(\"\"\"
        INSERT INTO tandem_inbox_notification (mailbox_id, message_id, category, thread, count, box, place, version,
            created_at, arrived_at, seen_at, read_at)
        SELECT mailbox.id, message.id, message.category, '', 1, CASE WHEN message.id % 10 = 0 THEN 1 ELSE 0 END,
            message.id, message.id, now(), now(),
            CASE WHEN message.id % 3 = 0 THEN NULL ELSE now() END, CASE WHEN message.id % 2 = 0 THEN NULL ELSE now() END
        FROM tandem_inbox_message AS message, tandem_inbox_mailbox AS mailbox WHERE mailbox.recipient_id <= 100\"\"\")
    cursor.execute("VACUUM ANALYZE")

box = Mailbox.objects.order_by("pk")[50]
wanted = {{
    "tandem_inbox_list": Filter(),
    "tandem_inbox_unseen": Filter(is_unseen=True),
    "tandem_inbox_unread": Filter(is_unread=True),
    "tandem_inbox_category": Filter(category="rare"),
    "archive": Filter(is_archived=True),
}}
plans = {{}}
for name, each in wanted.items():
    plans[name] = listing.own_rows(box, each).filter(place__lt={each})[:21].explain(analyze=True)
plans["count"] = Mailbox.objects.filter(recipient_id=box.recipient_id, tenant="").explain(analyze=True)
print(json.dumps({{"rows": Notification.objects.count(), "plans": plans}}))
"""


def check_plans(found: dict[str, Any]) -> None:
    """Each list is one scan of one index over the notifications, in order; the count is one row."""
    for name, plan in found["plans"].items():
        index = "tandem_inbox_list" if name == "archive" else "tandem_inbox_mailbox_once" if name == "count" else name
        scans = [line for line in plan.splitlines() if "Scan" in line]
        own = [line for line in scans if "tandem_inbox_message" not in line]
        assert len(own) == 1, plan
        assert f"using {index} " in own[0], plan
        assert "Sort" not in plan, plan


def test_list_and_count_are_one_index_scan_each(site: InboxSite) -> None:
    """At a hundred mailboxes of 1,000."""
    check_plans(site.run(FULL.format(each=1000)))


@pytest.mark.slow
def test_list_and_count_are_one_index_scan_each_at_a_million_rows(site: InboxSite) -> None:
    """At a hundred mailboxes of 10,000; prints the plans."""
    found = site.run(FULL.format(each=10_000), seconds=900)
    print(f"\n{found['rows']} rows")
    for name, plan in found["plans"].items():
        print(f"\n{name}\n{plan}")

    assert found["rows"] == 1_000_000
    check_plans(found)
