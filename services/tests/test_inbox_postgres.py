"""The inbox on PostgreSQL: many at once, and two workers."""

from __future__ import annotations

from rig.inbox_crowd import CROWD, settle
from rig.inbox_site import InboxSite

pytest_plugins = ["rig.inbox_crowd_fixtures"]


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
