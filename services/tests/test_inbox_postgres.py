"""The inbox on PostgreSQL: many at once, processes that are killed, two workers, and the indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

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


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InboxSite]:
    """A project of the test's own, with a crowd of users."""
    with InboxSite(tmp_path_factory.mktemp("site")) as running:
        running.run(USERS)
        yield running


def settle(site: InboxSite, *, seconds: float = 60) -> None:
    """Wait until there is nothing left for the workers."""
    wait_until(lambda: site.run(SETTLED) is False, seconds=seconds, what="the workers' end")


AT_ONCE = """
import json, random, threading
from django.contrib.auth.models import User
from django.db import connection, transaction
from tandem.inbox import notify
from tandem.inbox.models import Mailbox, Member, Notification

users = list(User.objects.order_by("pk")[:5])
connection.close()
failures = []

def run(number):
    try:
        for part in range({rounds}):
            chosen = random.sample(users, 5)
            notify(chosen, "like", actor=f"User {{number}}", group="photo", idempotency_key=f"{{number % 20}}:{{part}}")
    except Exception as error:
        failures.append(repr(error))
    finally:
        connection.close()

threads = [threading.Thread(target=run, args=(number,)) for number in range(40)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps({{
    "failures": failures,
    "counts": list(Notification.objects.values_list("count", flat=True)),
    "members": Member.objects.count(),
    "boxes": list(map(list, Mailbox.objects.values_list("version", "unseen", "unread"))),
    "users": [user.pk for user in users],
}}))
"""


def test_twenty_at_once_are_twenty(site: InboxSite) -> None:
    """Each event twice, of forty threads, to five users in any order: no deadlock, no repeat, and no version twice."""
    rounds = 5
    found = site.run(AT_ONCE.format(rounds=rounds))
    told = [site.pushed(f"notifications:#{pk}") for pk in found["users"]]

    assert found["failures"] == []
    assert found["counts"] == [20 * rounds] * 5
    assert found["members"] == 20 * rounds * 5
    assert found["boxes"] == [[20 * rounds, 1, 1]] * 5
    for pushes in told:
        assert [push["state"]["version"][0] for push in pushes] == list(range(1, 20 * rounds + 1))
        assert [push["item"]["count"] for push in pushes] == list(range(1, 20 * rounds + 1))


MEANWHILE = """
import json, random, threading, time
from django.contrib.auth.models import User
from django.db import connection, transaction
from tandem.inbox import edit, notify, retract
from tandem.inbox.sending import bulk, changing
from tandem.inbox.models import Bulk, Mailbox, Notification

bulk.BATCH = 10
changing.AT_ONCE = 10
failures = []


def work():
    try:
        while not done.is_set() or Bulk.objects.exists():
            bulk.work()
    except Exception as error:
        failures.append(repr(error))
    finally:
        connection.close()


for number in range({rounds}):
    done = threading.Event()
    threads = [threading.Thread(target=work) for _ in range(2)]
    [thread.start() for thread in threads]
    kept = notify(User.objects.all(), "thing", title="old", data={{"key": "kept"}})
    gone = notify(User.objects.all(), "thing", data={{"key": "gone"}})
    time.sleep(random.uniform(0, 0.4))
    try:
        edit(kept, title="new")
        retract(gone)
    except Exception as error:
        failures.append(repr(error))
    done.set()
    [thread.join() for thread in threads]
print(json.dumps({{
    "failures": failures,
    "gone": Notification.objects.filter(message__data__key="gone", box__lt=2).count(),
    "kept": Notification.objects.filter(message__data__key="kept", box__lt=2).count(),
    "counts": sorted(set(Mailbox.objects.values_list("unseen", flat=True))),
    "users": list(User.objects.values_list("pk", flat=True)),
}}))
"""


def test_edit_and_retract_meet_a_message_on_its_way(site: InboxSite) -> None:
    """Two workers bring it and somebody takes it back: nobody keeps it or the old text, and nothing waits in a ring."""
    rounds = 10
    found = site.run(MEANWHILE.format(rounds=rounds))

    assert found["failures"] == []
    assert (found["gone"], found["kept"]) == (0, rounds * CROWD)
    assert found["counts"] == [rounds]
    for pk in found["users"]:
        shown: dict[str, str] = {}
        for push in site.pushed(f"notifications:#{pk}"):
            shown.update({push["item"]["id"]: push["item"]["title"]} if "item" in push else {})
            for name in push.get("ids", []):
                shown.pop(name, None)
        assert list(shown.values()) == ["new"] * rounds


KILLED = """
import json, os, random, signal, sys, time
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection, connections, transaction
from tandem import sync_shards
from tandem.chores import chores
from tandem.inbox import EVERYONE, notify
from tandem.outbox.worker import Worker

sync_shards.TIMEOUT_SECONDS = 5.0  # a busy machine is no Redis that is away
few = list(User.objects.order_by("pk")[:3])
connections.close_all()


def speak(number):
    \"\"\"Notify until the end: the group is the business row that commits with it.\"\"\"
    for part in range(10_000):
        how = random.choices(["few", "many", "all"], [20, 1, 2])[0]
        key = f"{how}:{number}:{part}"
        with transaction.atomic():
            Group.objects.create(name=key)
            to = {"few": random.sample(few, 3), "many": User.objects.all(), "all": EVERYONE}[how]
            notify(to, "thing", data={"key": key})
            if random.random() < 0.2:
                transaction.set_rollback(True)


def work(number):
    Worker(interval=0.01, chores=chores).run()


def child(task, number):
    pid = os.fork()
    if pid == 0:
        random.seed(f"{task.__name__} {number}")
        try:
            task(number)
        finally:
            os._exit(1)
    return pid


random.seed(ROUNDS)
for number in range(ROUNDS):
    pids = [child(speak, number), child(work, number), child(work, -number)]
    random.shuffle(pids)
    for pid in pids:
        time.sleep(random.uniform(0.05, 0.6))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
print(json.dumps({"said": list(Group.objects.values_list("name", flat=True)), "few": [user.pk for user in few]}))
"""

WHAT_IS_THERE = """
import json
from django.contrib.auth.models import User
from tandem.inbox.models import Announcement, Mailbox, Notification
rows = Notification.objects.values_list("mailbox__recipient_id", "message__data__key")
boxes = Mailbox.objects.values_list("recipient_id", "version", "unseen")
print(json.dumps({
    "rows": [list(row) for row in rows],
    "boxes": {pk: [version, unseen] for pk, version, unseen in boxes},
    "announced": [each.message.data["key"] for each in Announcement.objects.select_related("message")],
    "users": list(User.objects.values_list("pk", flat=True)),
}))
"""


def killed(site: InboxSite, rounds: int) -> None:
    """Kill everything that often, let a worker finish, and compare what was committed with what arrived."""
    end = site.run(KILLED.replace("ROUNDS", str(rounds)), seconds=60 + 4 * rounds)
    site.work("--interval", "0.05")
    settle(site, seconds=120)
    there = site.run(WHAT_IS_THERE)
    said = {how: sorted(key for key in end["said"] if key.startswith(how)) for how in ("few", "many", "all")}
    expected = {(pk, key) for key in said["few"] for pk in end["few"]}
    expected |= {(pk, key) for key in said["many"] for pk in there["users"]}
    rows = [tuple(row) for row in there["rows"]]

    assert len(end["said"]) >= rounds, "too little was committed to say anything"
    assert said["many"], "nothing went to many"
    assert sorted(rows) == sorted(expected)
    for pk in there["users"]:
        pushes = site.pushed(f"notifications:#{pk}")
        keys = sorted(push["item"]["data"]["key"] for push in pushes)
        assert keys == sorted(key for owner, key in expected if owner == pk)
        assert [push["state"]["version"][0] for push in pushes] == list(range(1, len(pushes) + 1))
        assert there["boxes"][str(pk)] == [len(pushes), len(pushes)]
    announced = [push["item"]["data"]["key"] for push in site.pushed("inbox:everyone")]
    assert sorted(announced) == sorted(there["announced"]) == said["all"]
    print(f"\n{rounds} rounds: {len(end['said'])} committed, {len(rows)} notifications, {len(announced)} announcements")


def test_killed_at_any_point_everything_is_there_once(site: InboxSite) -> None:
    """Who notifies, and two workers, each with SIGKILL, ten times: what was committed, and nothing else."""
    killed(site, 10)


@pytest.mark.slow
def test_killed_a_hundred_times_everything_is_there_once(site: InboxSite) -> None:
    """The long form."""
    killed(site, 100)


SEND_AND_DIE = """
import os, signal
from django.contrib.auth.models import User
from tandem.inbox import notify, work
from tandem.inbox.elsewhere import dispatching

notify(User.objects.create(username="reader", email="reader@example.com"), "letter")
dispatching._write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
work.send_elsewhere()
"""

SEND_WHEN_THE_LEASE_IS_OVER = """
import json
from datetime import timedelta
from django.db.models import F
from tandem.inbox import work
from tandem.inbox.models import Delivery

def log():
    return [[each.state, each.attempts] for each in Delivery.objects.all()]

work.send_elsewhere()
before = log()
Delivery.objects.update(due_at=F("due_at") - timedelta(hours=1))
work.send_elsewhere()
print(json.dumps([before, log()]))
"""


def test_email_of_a_killed_worker_goes_again_as_the_same(site: InboxSite) -> None:
    """Sent, and killed before that was written down: at least once, and mail programs know it by its Message-ID."""
    with pytest.raises(RuntimeError):
        site.run(SEND_AND_DIE)
    first = site.mailed()
    before, after = site.run(SEND_WHEN_THE_LEASE_IS_OVER)
    both = site.mailed()

    assert (before, after) == ([["waiting", 1]], [["sent", 2]])
    assert (len(first), len(both)) == (1, 2)
    assert [each["Message-ID"] for each in both] == [first[0]["Message-ID"]] * 2
    assert [each["To"] for each in both] == ["reader@example.com"] * 2


BACKLOG = """
import json
from django.contrib.auth.models import User
from django.db import transaction
from tandem.inbox import notify
from tandem.outbox import batch
from tandem.outbox.committed import send_committed

batch.send_committed = lambda *rest: None  # every process dies between its commit and its sending
few = list(User.objects.order_by("pk")[:20])
for number in range(60):
    notify(few, "thing", data={"key": str(number)})
print(json.dumps([user.pk for user in few]))
"""


def test_two_workers_keep_each_users_order(site: InboxSite) -> None:
    """1,200 rows that nobody has sent: each channel's in their order, each once."""
    users = site.run(BACKLOG)
    workers = [site.work("--interval", "0.05"), site.work("--interval", "0.05")]
    settle(site)

    assert [worker.poll() for worker in workers] == [None, None]
    for pk in users:
        assert [push["item"]["data"]["key"] for push in site.pushed(f"notifications:#{pk}")] == list(
            map(str, range(60))
        )


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
