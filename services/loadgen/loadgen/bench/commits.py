"""
``python -m loadgen.bench.commits``: the CPU of a commit that publishes, on PostgreSQL, beside one that does not.

Beside it too, in the same rounds, what it was in 0.1: a row, a hook, a SELECT, a publish and a DELETE for each
publication, by the ORM. Only this process is measured, not PostgreSQL's or Redis's.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from rig.postgres import PostgresServer
from rig.servers import RedisServer

PUBLICATIONS = (1, 20)
NAMESPACES = {"bench": {"history_size": 100, "history_ttl": 3600}}
DATA = {"name": "demo", "value": 17, "version": 23}


def main() -> None:
    """Measure, print a table, and say whether the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--commits", type=int, default=200, help="of each kind in a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, PostgresServer() as postgres:
        with RedisServer(Path(directory)) as redis:
            _configure(postgres.url, redis.url)
            print(table(measure(arguments.rounds, arguments.commits)))


def measure(rounds: int, commits: int) -> dict[str, float]:
    """Return the CPU of a commit of each kind in milliseconds: the median of interleaved rounds."""
    kinds: dict[str, Callable[[], None]] = {"none": _commit}
    for count in PUBLICATIONS:
        kinds[f"{count}, 0.1"] = partial(_commit, _before, count)
        kinds[f"{count}"] = partial(_commit, _now, count)
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds + 1):
        for name, commit in kinds.items():
            started = time.process_time()
            for _ in range(commits):
                commit()
            taken[name].append((time.process_time() - started) / commits * 1000)
    return {name: statistics.median(each[1:]) for name, each in taken.items()}  # the first round warms up


def table(cost: dict[str, float]) -> str:
    """Return the costs beyond a commit that publishes nothing."""
    lines = [f"a commit that publishes nothing: {cost['none']:.3f} ms", "publications  0.1 ms  now ms  ratio"]
    for count in PUBLICATIONS:
        before, now = cost[f"{count}, 0.1"] - cost["none"], cost[f"{count}"] - cost["none"]
        lines.append(f"{count:>12}  {before:6.3f}  {now:6.3f}  {now / before:5.2f}")
    return "\n".join(lines)


def _configure(database_url: str, redis_url: str) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    from tandem import sync_shards

    address = urlsplit(database_url)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path.strip("/"),
        "USER": address.username,
        "HOST": address.hostname,
        "PORT": address.port,
    }
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


def _now(channel: str) -> None:
    import tandem

    tandem.publish_on_commit(channel, DATA)


def _before(channel: str) -> None:
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
    main()
