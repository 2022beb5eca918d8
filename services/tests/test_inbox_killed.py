"""The inbox on PostgreSQL: processes that are killed at any point lose nothing and repeat nothing."""

from __future__ import annotations

import pytest

from rig.inbox_crowd import settle
from rig.inbox_site import InboxSite

pytest_plugins = ["rig.inbox_crowd_fixtures"]


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
