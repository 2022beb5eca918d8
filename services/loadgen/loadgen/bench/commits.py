"""
``python -m loadgen.bench.commits``: what a commit on PostgreSQL pays for publishing, beside one that does not.

It is the CPU of this process, user and system, not that of PostgreSQL or Redis: the median of rounds in which all kinds
take turns, each begun when nobody disturbs the core. A bare publish is beside it for scale; with ``--before`` what it
was in 0.1, too: a row, a hook, a SELECT, a publish and a DELETE for each publication, by the ORM.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from loadgen.bench.core import CORE
from rig.postgres import PostgresServer
from rig.servers import RedisServer

LIMITS = {1: 0.4, 20: 0.6}
"""So many milliseconds of CPU, at most, for so many publications of one commit."""
_TURN = 20
NAMESPACES = {"bench": {"history_size": 100, "history_ttl": 3600}}
DATA = {"name": "demo", "value": 17, "version": 23}


def main() -> int:
    """Measure, print a table, and return 0 when the limits hold."""
    parser = argparse.ArgumentParser(prog="python -m loadgen.bench.commits", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commits", type=int, default=300, help="of each kind in a round")
    parser.add_argument("--before", action="store_true", help="measure beside it how 0.1 did it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, PostgresServer() as postgres:
        with RedisServer(Path(directory)) as redis:
            _configure(postgres.database, redis.url)
            cost = measure(_kinds(before=arguments.before), arguments.rounds, arguments.commits)
    print(table(cost))
    return 0 if all(cost[str(count)] - cost["none"] <= limit for count, limit in LIMITS.items()) else 1


def measure(kinds: dict[str, Callable[[], None]], rounds: int, commits: int) -> dict[str, float]:
    """Return the CPU of each of *kinds* in milliseconds: the median of rounds in which they take turns."""
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds + 1):
        CORE.settle()
        spent = dict.fromkeys(kinds, 0.0)
        for _ in range(commits // _TURN):
            for name, commit in kinds.items():
                started = time.process_time()
                for _ in range(_TURN):
                    commit()
                spent[name] += time.process_time() - started
        for name, seconds in spent.items():
            taken[name].append(seconds / (commits // _TURN * _TURN) * 1000)
    return {name: statistics.median(each[1:]) for name, each in taken.items()}  # the first round warms up


def table(cost: dict[str, float]) -> str:
    """Return what *cost* each kind of commit beyond one that publishes nothing, with PASS or FAIL."""
    lines = [
        f"a commit that publishes nothing: {cost['none']:.3f} ms; a publish outside of any: {cost['publish']:.3f} ms",
        "publications     ms  commits  at most  verdict  0.1 ms",
    ]
    for count, limit in LIMITS.items():
        more = cost[str(count)] - cost["none"]
        verdict = "PASS" if more <= limit else "FAIL"
        before = f"{cost[_before(count)] - cost['none']:7.3f}" if _before(count) in cost else ""
        lines.append(f"{count:>12} {more:6.3f} {more / cost['none']:8.2f} {limit:8.3f}  {verdict:7} {before}".rstrip())
    return "\n".join(lines)


def _kinds(*, before: bool) -> dict[str, Callable[[], None]]:
    kinds: dict[str, Callable[[], None]] = {"none": _commit, "publish": _publish}
    for count in LIMITS:
        kinds[str(count)] = partial(_commit, _publish_now, count)
        if before:
            kinds[_before(count)] = partial(_commit, _publish_before, count)
    return kinds


def _before(count: int) -> str:
    return f"{count}, 0.1"


def _configure(database: dict[str, Any], redis_url: str) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    from tandem import sync_shards

    settings.configure(
        SECRET_KEY="of the benchmark",
        INSTALLED_APPS=["tandem"],
        DATABASES={"default": database},
        USE_TZ=True,
        TANDEM={"redis_urls": [redis_url], "namespaces": NAMESPACES},
    )
    django.setup()
    sync_shards.TIMEOUT_SECONDS = 5.0  # a busy machine is no Redis that is away
    call_command("migrate", verbosity=0)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE counter (id int PRIMARY KEY, value bigint NOT NULL)")
        cursor.execute("INSERT INTO counter VALUES (1, 0)")


def _commit(publish: Callable[[str], None] | None = None, count: int = 0) -> None:
    from django.db import connection, transaction

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE counter SET value = value + 1 WHERE id = 1")
        for number in range(count):
            if publish is not None:
                publish(f"bench:{number % 4}")


def _publish() -> None:
    import tandem

    tandem.publish("bench:0", DATA)


def _publish_now(channel: str) -> None:
    import tandem

    tandem.publish_on_commit(channel, DATA)


def _publish_before(channel: str) -> None:
    from django.db import transaction

    from tandem.models import OutboxEntry

    with transaction.atomic():
        entry = OutboxEntry.objects.create(channel=channel, data='{"name":"demo","value":17,"version":23}')
        transaction.on_commit(lambda: _send_before(channel, entry.pk), robust=True)


def _send_before(channel: str, pk: int) -> None:
    import msgspec

    from tandem.models import OutboxEntry
    from tandem.publisher import Draft, publish_many

    rows = list(OutboxEntry.objects.filter(channel=channel, pk__lte=pk).order_by("pk")[:100])
    if rows:
        publish_many([Draft(row.channel, msgspec.Raw(row.data.encode()), row.key, row.tags) for row in rows])
        OutboxEntry.objects.filter(pk__in=[row.pk for row in rows]).delete()


if __name__ == "__main__":
    sys.exit(main())
