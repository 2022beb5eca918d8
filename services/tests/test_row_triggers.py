"""A model with triggers on PostgreSQL: what raw SQL, other programs and Django's bulk operations change is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from rig.overrides import override_tandem
from rig.postgres import PostgresServer
from rig.project import Project
from rig.servers import RedisServer, wait_until
from tandem import streams

SETTINGS = """

INSTALLED_APPS += ["tandem", "pgtrigger", "mysite"]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": {port},
                         "NAME": "postgres", "USER": "tandem"}}}}
TANDEM = {{"namespaces": {{"shop": {{"history_size": 100, "history_ttl": 60}}}}}}
"""

MODELS = """
import uuid

from django.db import models

import tandem


def data(each):
    return {"status": each.status, "price": str(each.price)}


@tandem.broadcasts(to=lambda order: [f"shop:orders.{order.shelf}.{order.placed:%Y}"], data=data, triggers=True)
class Order(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    shelf = models.CharField(max_length=20)
    status = models.CharField(max_length=20, default="new", db_column="State of it")
    price = models.DecimalField(max_digits=20, decimal_places=2, default="0.10")
    placed = models.DateTimeField()


@tandem.broadcasts(to=lambda part: [f"shop:parts.{part.of}"], triggers=True)
class Part(models.Model):
    of = models.CharField(max_length=20)


@tandem.broadcasts(to=lambda item: [f"shop:items.{item.shelf}"])
class Item(models.Model):
    shelf = models.CharField(max_length=20)
"""


class Shop(NamedTuple):
    """A project of somebody's on PostgreSQL, its worker running."""

    project: Project
    database: str
    redis: str

    def run(self, code: str) -> str:
        """Run *code* in the project and return what it printed."""
        done = self.project.manage("shell", "-c", "from mysite.models import *\n" + code, TANDEM_REDIS_URLS=self.redis)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, statement: str, *values: Any) -> None:
        """Run *statement* as a program that knows nothing of Django."""
        with psycopg.connect(self.database) as connection:
            connection.execute(statement, values)

    def told(self, channel: str, count: int) -> list[Any]:
        """Return the publications of *channel* once there are *count*."""
        with override_tandem(redis_urls=[self.redis], namespaces={"shop": {"history_size": 100, "history_ttl": 60}}):
            wait_until(lambda: len(streams.history(channel, limit=-1).publications) >= count, seconds=10)
            return [json.loads(each.data) for each in streams.history(channel, limit=-1).publications]


@pytest.fixture(scope="module")
def shop(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop."""
    folder = tmp_path_factory.mktemp("shop")
    with PostgresServer() as postgres:
        project = Project(folder, settings=SETTINGS.format(port=postgres.port))
        (folder / "mysite" / "models.py").write_text(MODELS)
        for command in (["makemigrations", "mysite"], ["migrate"]):
            done = project.manage(*command)
            assert done.returncode == 0, done.stderr
        environ = project.environ(TANDEM_REDIS_URLS=redis_server.url)
        worker = subprocess.Popen([sys.executable, "manage.py", "runworker", "tandem"], cwd=folder, env=environ)
        try:
            yield Shop(project, postgres.url, redis_server.url)
        finally:
            worker.terminate()
            worker.wait(20)


def test_other_program_s_changes_are_told(shop: Shop) -> None:
    """Created, moved to another list and deleted; what the row was is known from the trigger alone."""
    key = "6a8e9a5e-0000-4000-8000-000000000001"
    insert = 'INSERT INTO mysite_order (id, shelf, "State of it", price, placed) VALUES (%s, %s, %s, %s, %s)'
    shop.sql(insert, key, "a", "new", "12345678901234567.89", "2026-01-02T03:04:05Z")
    created = shop.told("shop:orders.a.2026", 1)
    shop.sql('UPDATE mysite_order SET shelf = %s, "State of it" = %s', "b", "paid")
    left, changed = shop.told("shop:orders.a.2026", 2)[1:], shop.told("shop:orders.b.2026", 1)
    shop.sql("DELETE FROM mysite_order")
    deleted = shop.told("shop:orders.b.2026", 2)[1:]

    row = {"model": "mysite.order", "pk": key}
    price = "12345678901234567.89"
    assert created == [{"event": "created", **row, "data": {"status": "new", "price": price}}]
    assert left == [{"event": "left", **row}]
    assert changed == [{"event": "changed", **row, "data": {"status": "paid", "price": price}}]
    assert deleted == [{"event": "deleted", **row}]


def test_every_statement_that_changes_rows_is_noticed(shop: Shop) -> None:
    """COPY, both ways of ON CONFLICT, MERGE, another key, TRUNCATE."""

    def events(count: int) -> list[tuple[str, int]]:
        return [(each["event"], each["pk"]) for each in shop.told("shop:parts.copy", count)]

    def did(statement: str, count: int) -> list[tuple[str, int]]:
        before = len(shop.told("shop:parts.copy", 0))
        shop.sql(statement)
        return sorted(events(before + count)[before:])

    with psycopg.connect(shop.database) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY mysite_part (id, of) FROM STDIN") as copy:
            copy.write("1\tcopy\n2\tcopy\n")
    copied = sorted(events(2))
    upserted = did(
        "INSERT INTO mysite_part (id, of) VALUES (2, 'x'), (3, 'copy') ON CONFLICT (id) DO UPDATE SET of = 'copy2'", 2
    )
    shop.sql("INSERT INTO mysite_part (id, of) VALUES (1, 'no') ON CONFLICT DO NOTHING")
    merged = did(
        "MERGE INTO mysite_part USING (VALUES (1), (4)) AS new (id) ON mysite_part.id = new.id"
        " WHEN MATCHED THEN UPDATE SET of = 'copy3' WHEN NOT MATCHED THEN INSERT (id, of) VALUES (new.id, 'copy')",
        2,
    )
    moved = did("UPDATE mysite_part SET id = 14 WHERE id = 4", 2)
    with psycopg.connect(shop.database) as connection:
        connection.execute("TRUNCATE mysite_part")
        connection.execute("INSERT INTO mysite_part (id, of) VALUES (3, 'copy')")
    emptied = sorted(events(10)[8:])

    assert copied == [("created", 1), ("created", 2)]
    assert upserted == [("created", 3), ("left", 2)]
    assert merged == [("created", 4), ("left", 1)]
    assert moved == [("created", 14), ("deleted", 4)]
    assert emptied == [("changed", 3), ("deleted", 14)]
    assert [each["event"] for each in shop.told("shop:parts.copy2", 2)] == ["changed", "deleted"]


def test_what_a_database_deletes_by_itself(shop: Shop) -> None:
    """A foreign key that cascades, by DELETE and by TRUNCATE; the rows of a partition, by the table's own name."""
    shop.sql("DROP TABLE mysite_part")
    shop.sql("CREATE TABLE whole (name text PRIMARY KEY)")
    shop.sql("CREATE TABLE mysite_part (id bigint, of text REFERENCES whole ON DELETE CASCADE) PARTITION BY LIST (id)")
    for name, keys in (("few", "1, 2"), ("more", "3, 4")):
        shop.sql(f"CREATE TABLE part_{name} PARTITION OF mysite_part FOR VALUES IN ({keys})")
    installed = shop.project.manage("pgtrigger", "install")
    shop.sql("INSERT INTO whole VALUES ('wheel'), ('door')")
    shop.sql("INSERT INTO mysite_part VALUES (1, 'wheel'), (2, 'door')")
    shop.sql("INSERT INTO part_more VALUES (3, 'door')")
    shop.told("shop:parts.door", 2)
    shop.sql("UPDATE mysite_part SET id = 4 WHERE id = 2")
    shop.told("shop:parts.door", 4)
    shop.sql("DELETE FROM whole WHERE name = 'wheel'")
    shop.sql("TRUNCATE whole CASCADE")
    wheel, door = [
        [(each["event"], each["pk"]) for each in shop.told(f"shop:parts.{name}", count)]
        for name, count in (("wheel", 2), ("door", 6))
    ]

    assert installed.returncode == 0, installed.stderr
    assert wheel == [("created", 1), ("deleted", 1)]
    assert sorted(door[:2]) == [("created", 2), ("created", 3)]
    assert sorted(door[2:4]) == [("created", 4), ("deleted", 2)]
    assert sorted(door[4:]) == [("deleted", 3), ("deleted", 4)]


def test_bulk_operations_and_saves_are_told_once(shop: Shop) -> None:
    """Without a signal, without touch; what changes nothing, or is rolled back, is no change."""
    shop.run("""
from django.db import transaction
from django.utils.timezone import datetime, timezone
placed = datetime(2030, 1, 1, tzinfo=timezone.utc)
with transaction.atomic():
    Order.objects.bulk_create([Order(shelf="c", placed=placed) for _ in range(600)])
    Order.objects.filter(shelf="c").update(status="paid")
    try:
        with transaction.atomic():
            Order.objects.filter(shelf="c").update(shelf="d")
            1 / 0
    except ZeroDivisionError:
        pass
""")
    shop.told("shop:orders.c.2030", 100)
    shop.run('Order.objects.filter(shelf="c").update(status="paid")\nOrder.objects.filter(shelf="c").last().save()')
    shop.run('order = Order.objects.filter(shelf="c").first(); order.shelf = "e"; order.save()')
    last = shop.told("shop:orders.e.2030", 1)

    assert [each["event"] for each in last] == ["changed"]
    events = [each["event"] for each in shop.told("shop:orders.c.2030", 100)]
    assert events == ["created"] * 99 + ["left"]
    assert shop.told("shop:orders.d.2030", 0) == []


def test_touch_and_the_check_know_the_triggers(shop: Shop) -> None:
    """The one is not needed; the other says that another database, or a project without pgtrigger, notices nothing."""
    answer = shop.run("""
import tandem
try:
    tandem.touch(Order.objects.all())
except TypeError as error:
    print(error)
""")
    settings = shop.project.folder / "mysite" / "settings.py"
    text = settings.read_text()
    try:
        settings.write_text(text.replace('"pgtrigger", ', ""))
        without = shop.project.manage("check")
        settings.write_text(text + '\nDATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}\n')
        elsewhere = shop.project.manage("check")
    finally:
        settings.write_text(text)

    assert "mysite.Order has triggers: they notice every change by themselves" in answer
    assert "tandem.E010) nobody notices changes of mysite.Order: its triggers are not installed" in without.stderr
    assert "tandem.E011) nobody notices changes of mysite.Order: 'default' is not PostgreSQL" in elsewhere.stderr


def test_function_that_fails_stops_no_other_change(shop: Shop) -> None:
    """The row without a year in its channel is logged and passed over."""
    shop.sql("ALTER TABLE mysite_order ALTER COLUMN placed DROP NOT NULL")
    insert = (
        'INSERT INTO mysite_order (id, shelf, "State of it", price, placed) VALUES (gen_random_uuid(), %s, %s, 1, %s)'
    )
    with psycopg.connect(shop.database) as connection:
        connection.execute(insert, ("f", "new", None))
        connection.execute(insert, ("f", "new", "2026-01-02T03:04:05Z"))

    assert [each["event"] for each in shop.told("shop:orders.f.2026", 1)] == ["created"]
    shop.sql("DELETE FROM mysite_order WHERE shelf = 'f'")


def test_row_that_another_transaction_moves_meanwhile(shop: Shop) -> None:
    """Without triggers: who changes it next looks where it is only once the first has committed."""
    shop.run("""
import threading, time
from django.db import connection, transaction
item = Item.objects.create(shelf="a")
moved = threading.Event()
def move():
    with transaction.atomic():
        each = Item.objects.get(pk=item.pk)
        each.shelf = "b"
        each.save()
        moved.set()
        time.sleep(0.5)
    connection.close()
other = threading.Thread(target=move)
other.start()
moved.wait()
item.shelf = "c"
item.save()
other.join()
""")

    told = {shelf: [each["event"] for each in shop.told(f"shop:items.{shelf}", 1)] for shelf in "abc"}
    assert told == {"a": ["created", "left"], "b": ["changed", "left"], "c": ["changed"]}
