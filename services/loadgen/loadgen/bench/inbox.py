"""
``python -m loadgen.bench.inbox``: a notification to 100,000 users, and an announcement to them, on PostgreSQL.

The call is measured (it fixes who gets it), then one worker that brings it to them all: rows a second, the peak of its
memory, and the time from the commit to the last push. An announcement is one row and one push.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

from rig.inbox_site import InboxSite

USERS = """
from django.contrib.auth.models import User
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute(\"\"\"
        INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
            date_joined)
        SELECT '', false, 'user' || n, '', '', '', false, true, now() FROM generate_series(1, {count}) AS n\"\"\")
    cursor.execute("VACUUM ANALYZE")
"""

NOTIFY = """
import json, resource, time
from django.contrib.auth.models import User
from tandem.inbox import EVERYONE, notify
notify(User.objects.first(), "thing", data={{"key": "warm"}})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
notify({to}, "thing", data={{"key": "bench"}})
took = time.perf_counter() - started
print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
"""

BRING = """
import json, resource, threading, time
from tandem.chores import chores
from tandem.inbox.models import Bulk, Notification
from tandem.outbox.worker import Worker

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

worker = Worker(interval=0.1, chores=chores)
before, cpu, started = peak(), time.process_time(), time.perf_counter()
thread = threading.Thread(target=worker.run)
thread.start()
memory = []
while Bulk.objects.exists():
    time.sleep(0.2)
    memory.append(peak())
took = time.perf_counter() - started
worker.stop()
thread.join()
middle = memory[len(memory) // 4] if memory else before
rows = Notification.objects.filter(message__data__key="bench").count()
print(json.dumps([took, time.process_time() - cpu, before, middle, peak(), rows]))
"""


class Measured(NamedTuple):
    """What it cost to bring a message to many."""

    call_seconds: float
    call_memory: float
    seconds: float
    cpu_seconds: float
    memory_before: float
    memory_early: float
    memory_peak: float
    rows: int
    pushes: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, InboxSite(Path(directory)) as site:
        site.run(USERS.format(count=arguments.users))
        many = to_many(site)
        announced, _ = site.run(NOTIFY.format(to="EVERYONE"))
    print(table(arguments.users, many, announced))


def to_many(site: InboxSite) -> Measured:
    """Notify all users of *site*, bring it to them with one worker, and count the pushes."""
    call_seconds, call_memory = site.run(NOTIFY.format(to="User.objects.all()"))
    seconds, cpu, before, early, peak, rows = site.run(BRING, seconds=3600)
    return Measured(call_seconds, call_memory / 1024, seconds, cpu, before, early, peak, rows, site.count_pushes())


def table(users: int, many: Measured, announced: float) -> str:
    """Return the figures as text."""
    return "\n".join(
        [
            f"notify({users:,} users): the call {many.call_seconds:.2f} s, {many.call_memory:.1f} MiB more",
            f"one worker: {many.rows:,} rows and {many.pushes:,} pushes in {many.seconds:.1f} s,"
            f" {many.rows / many.seconds:,.0f} a second, {many.cpu_seconds / many.rows * 1e6:.0f} us of CPU each",
            f"its memory: {many.memory_before:.0f} MiB at the start, {many.memory_early:.0f} after a quarter,"
            f" {many.memory_peak:.0f} at the most",
            f"an announcement to everyone: {announced * 1000:.1f} ms, one row and one push",
        ]
    )


if __name__ == "__main__":
    main()
